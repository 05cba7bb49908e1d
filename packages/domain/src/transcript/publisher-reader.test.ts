import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { coverageOf, PUBLISHER_BYTES_MAX, readPublisherTranscript } from './publisher-reader.ts';

const HOUR = 3_600;
const told = (segments: ReturnType<typeof readPublisherTranscript>) =>
  segments.map(({ startSeconds, endSeconds, text }) => [startSeconds, endSeconds, text]);
const json = (segments: readonly object[]) => JSON.stringify({ version: '1.0.0', segments });

describe('a publisher’s transcript', () => {
  test('in the podcast namespace’s JSON gives its text with its times', () => {
    const segments = [
      { speaker: 'Ann', startTime: 0.5, endTime: 2, body: 'Welcome to the workshop.' },
      { startTime: '2.5', body: 'We have <b>clocks</b> today.' },
      { startTime: 6, endTime: 7, body: 'All of them tick.' },
    ];
    expect(told(readPublisherTranscript('json', json(segments), HOUR))).toEqual([
      [0.5, 2, 'Welcome to the workshop.'],
      [2.5, 6, 'We have clocks today.'],
      [6, 7, 'All of them tick.'],
    ]);
  });

  test('with a segment for each word is read in sentences', () => {
    const words = 'Welcome to the workshop. All of them tick.'.split(' ');
    const segments = words.map((body, i) => ({ startTime: i, endTime: i + 0.9, body }));
    expect(told(readPublisherTranscript('json', json(segments), HOUR))).toEqual([
      [0, 3.9, 'Welcome to the workshop.'],
      [4, 7.9, 'All of them tick.'],
    ]);
  });

  test('loses what runs backwards, says nothing, or lies behind the audio', () => {
    const vtt = [
      'WEBVTT',
      '00:09.000 --> 00:08.000\nBackwards.',
      '00:05.000 --> 00:06.000\n<v Ann>Second.</v>',
      '00:01.000 --> 00:02.000\nFirst.',
      '00:59.000 --> 01:30.000\nCut at the end.',
      '01:00:00.000 --> 01:00:01.000\nOf another file.',
      `00:20.000 --> 00:21.000\n${'More than anybody says. '.repeat(100)}`,
      '00:03.000 --> 00:59.999\n<i></i>',
    ].join('\n\n');
    expect(told(readPublisherTranscript('vtt', vtt, 60))).toEqual([
      [1, 2, 'First.'],
      [5, 6, 'Second.'],
      [59, 60, 'Cut at the end.'],
    ]);
  });

  test('that is rubbish or too large is empty', () => {
    expect(readPublisherTranscript('json', '{"segments":{}}', HOUR)).toEqual([]);
    expect(readPublisherTranscript('json', '[', HOUR)).toEqual([]);
    expect(readPublisherTranscript('srt', 'x'.repeat(PUBLISHER_BYTES_MAX + 1), HOUR)).toEqual([]);
  });

  test('of any content has times in order, within the audio, and a text', () => {
    const time = fc.oneof(fc.double(), fc.string(), fc.constant(null), fc.integer());
    const segment = fc.record({ startTime: time, endTime: time, body: fc.anything() });
    fc.assert(
      fc.property(fc.array(segment), fc.string(), (segments, text) => {
        for (const read of [
          readPublisherTranscript('json', json(segments), 100),
          readPublisherTranscript('srt', text, 100),
        ]) {
          const starts = read.map(({ startSeconds }) => startSeconds);
          expect(starts).toEqual([...starts].sort((a, b) => a - b));
          for (const { startSeconds, endSeconds, text: said } of read)
            expect(startSeconds >= 0 && endSeconds <= 100 && said !== '').toBe(true);
          expect(coverageOf(read, 100).share).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 200 },
    );
  });
});

test('the share that is covered counts pauses of breath, not what is missing', () => {
  const at = (startSeconds: number, endSeconds: number) => ({
    ...{
      startSeconds,
      endSeconds,
      text: 'x',
      avgLogprob: null,
      noSpeechProbability: null,
      words: [],
    },
  });
  const covered = (...segments: readonly ReturnType<typeof at>[]) => {
    const { share, gapSecondsMax } = coverageOf(segments, 100);
    return [share, gapSecondsMax];
  };
  expect(covered(at(0, 40), at(55, 100))).toEqual([1, 0]);
  expect(covered(at(0, 40))).toEqual([0.5, 50]);
  expect(covered(at(0, 40), at(10, 20), at(80, 81))).toEqual([0.71, 20]);
  expect(covered()).toEqual([0, 100]);
  expect(coverageOf([at(0, 1)], 0).share).toBe(0);
});
