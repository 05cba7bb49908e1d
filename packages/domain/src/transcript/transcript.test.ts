import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CUE_LIMITS, cuesOf } from './cue.ts';
import { renderJson } from './json.ts';
import { joinWords, spokenWords } from './spoken-word.ts';
import { renderSrt } from './srt.ts';
import { timeCode } from './time-code.ts';
import type { Transcript, TranscriptSegment, TranscriptWord } from './transcript.ts';
import { renderTxt } from './txt.ts';
import { renderVtt } from './vtt.ts';

function transcript(segments: readonly TranscriptSegment[]): Transcript {
  return {
    language: 'en',
    languageProbability: 0.98765,
    durationSeconds: 34.12345,
    segments,
    provenance: {
      engine: 'faster-whisper',
      engineVersion: '1.2.0',
      model: 'tiny.en',
      modelRevision: 'r1',
      computeType: 'int8',
      device: 'cpu',
      parameters: { vad: true, beamSize: 1 },
      audioSha256: '00',
      agent: 'a-1',
      startedAtMs: 1,
      finishedAtMs: 2,
    },
  };
}

const word = (text: string, startSeconds: number, endSeconds: number): TranscriptWord => ({
  text,
  startSeconds,
  endSeconds,
  probability: 0.9,
});

/** One segment around the words. */
const segment = (...words: readonly TranscriptWord[]): TranscriptSegment => ({
  startSeconds: words[0]?.startSeconds ?? 0,
  endSeconds: words.at(-1)?.endSeconds ?? 0,
  text: words
    .map(({ text }) => text)
    .join('')
    .trim(),
  avgLogprob: -0.123456,
  noSpeechProbability: null,
  words,
});

/** Words of half a second, one after the other. */
const spoken = (text: string, startSeconds: number) =>
  segment(
    ...text
      .split(' ')
      .map((part, i) => word(` ${part}`, startSeconds + i / 2, startSeconds + i / 2 + 0.5)),
  );

const seconds = fc.oneof(
  // Whole milliseconds: doubles are nearly all close to 0.
  fc.integer({ min: 0, max: 400_000_000 }).map((ms) => ms / 1000),
  fc.integer({ min: 0, max: 20_000 }).map((ms) => ms / 1000),
  fc.double({ min: 0, max: 20, noNaN: true }),
  fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1, 0),
);
const anyText = fc.oneof(
  fc.lorem({ maxCount: 1 }).map((text) => ` ${text}`),
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.constantFrom('', ' ', '\n\n', ' -->', ' <b>', ' &', ' end.', '漢字', ' 1\n2'),
);
const anyWord = fc
  .tuple(anyText, seconds, seconds)
  .map(([text, start, end]) => word(text, start, end));
/** As an engine gives them: in order, with pauses. */
const orderedWords = fc
  .array(fc.tuple(anyText, fc.integer({ min: 0, max: 900 }), fc.integer({ min: 0, max: 3000 })))
  .map((parts) => {
    let clockMs = 0;
    return parts.map(([text, spokenMs, pauseMs]) => {
      const startMs = clockMs + (pauseMs > 2000 ? pauseMs : 0);
      clockMs = startMs + spokenMs;
      return word(text, startMs / 1000, clockMs / 1000);
    });
  });
const anySegment = fc
  .tuple(fc.oneof(orderedWords, fc.array(anyWord, { maxLength: 40 })), anyText, seconds, seconds)
  .map(([words, text, startSeconds, endSeconds]) => ({
    ...segment(...words),
    text,
    startSeconds,
    endSeconds,
  }));
const anyTranscript = fc.array(anySegment, { maxLength: 8 }).map(transcript);

const letters = (text: string) => text.replace(/\s+/g, '');

describe('cues of any transcript', () => {
  test('are in order, last some time, and never overlap', () => {
    fc.assert(
      fc.property(anyTranscript, (any) => {
        let previousEndMs = 0;
        for (const { startMs, endMs } of cuesOf(any)) {
          expect(Number.isSafeInteger(startMs) && Number.isSafeInteger(endMs)).toBe(true);
          expect(startMs).toBeGreaterThanOrEqual(previousEndMs);
          expect(endMs).toBeGreaterThan(startMs);
          expect(endMs - startMs).toBeLessThanOrEqual(CUE_LIMITS.cueMsMax);
          previousEndMs = endMs;
        }
      }),
    );
  });

  test('hold every word once, in order', () => {
    fc.assert(
      fc.property(anyTranscript, (any) => {
        const shown = cuesOf(any).flatMap(({ lines }) => lines);
        expect(letters(shown.join(''))).toBe(letters(joinWords(spokenWords(any))));
      }),
    );
  });

  test('have at most two lines of 42 characters, but for words longer than that', () => {
    fc.assert(
      fc.property(anyTranscript, (any) => {
        for (const { lines } of cuesOf(any)) {
          expect(lines.length).toBeLessThanOrEqual(2);
          for (const line of lines) {
            const isOneWord = spokenWords(any).some(({ text }) => text === line);
            if (isOneWord) continue;
            const seen = line.replace(/[\p{M}\p{Cf}]/gu, '');
            expect([...seen].length).toBeLessThanOrEqual(42);
          }
        }
      }),
    );
  });

  test('make files whose blocks are the cues: no text ends a cue early or looks like times', () => {
    fc.assert(
      fc.property(anyTranscript, (any) => {
        const { length } = cuesOf(any);
        const arrows = (text: string) => text.split('-->').length - 1;
        expect(arrows(renderSrt(any))).toBe(length);
        expect(arrows(renderVtt(any))).toBe(length);
        expect(
          renderSrt(any)
            .split('\n\n')
            .filter((block) => block !== ''),
        ).toHaveLength(length);
        expect(renderVtt(any).split('\n\n')).toHaveLength(length + 1);
      }),
    );
  });
});

describe('cues of speech', () => {
  test('end with the sentence, and at a pause', () => {
    const cues = cuesOf(
      transcript([spoken('A ship at sea. It looks', 0), spoken('at the stars.', 10)]),
    );
    expect(cues).toEqual([
      { startMs: 0, endMs: 2000, lines: ['A ship at sea.'] },
      { startMs: 2000, endMs: 3000, lines: ['It looks'] },
      { startMs: 10_000, endMs: 11_500, lines: ['at the stars.'] },
    ]);
  });

  test('are cut at words into two lines of like length', () => {
    const [cue] = cuesOf(
      transcript([
        segment(
          ...'A young man sat in a church and watched a lamp swing from the ceiling'
            .split(' ')
            .map((part, i) => word(` ${part}`, i / 4, (i + 1) / 4)),
        ),
      ]),
    );
    expect(cue?.lines).toEqual([
      'A young man sat in a church and',
      'watched a lamp swing from the ceiling',
    ]);
  });

  test('stay for a second when nothing follows, and yield to what does', () => {
    const cues = cuesOf(
      transcript([segment(word(' Yes.', 0, 0.2)), segment(word(' No.', 5, 5.1))]),
    );
    expect(cues.map(({ startMs, endMs }) => [startMs, endMs])).toEqual([
      [0, 1000],
      [5000, 6000],
    ]);
  });

  test('without times of words share out the segment’s time', () => {
    const text = 'aaaa bbbb';
    const silent = { ...segment(), startSeconds: 10, endSeconds: 12, text };
    const words = spokenWords(transcript([silent]));
    expect(words.map(({ text, startMs, endMs }) => [text, startMs, endMs])).toEqual([
      ['aaaa', 10_000, 11_000],
      ['bbbb', 11_000, 12_000],
    ]);
  });

  test('of a language without spaces get none', () => {
    const words = [word('時', 0, 1), word('計', 1, 2)];
    expect(cuesOf(transcript([segment(...words)]))[0]?.lines).toEqual(['時計']);
  });
});

test('times are right beyond one hour and beyond a hundred', () => {
  expect(timeCode(0, ',')).toBe('00:00:00,000');
  expect(timeCode(3_723_004, '.')).toBe('01:02:03.004');
  expect(timeCode(100 * 3_600_000 + 59_999, ',')).toBe('100:00:59,999');
});

describe('rendered forms', () => {
  const two = transcript([spoken('Water & <drips> --> down.', 3600), spoken('Slowly.', 3605)]);

  test('SubRip numbers its cues', () => {
    expect(renderSrt(two)).toBe(
      '1\n01:00:00,000 --> 01:00:02,500\nWater & <\u2060drips> -> down.\n\n' +
        '2\n01:00:05,000 --> 01:00:06,000\nSlowly.\n',
    );
  });

  test('WebVTT escapes its text', () => {
    expect(renderVtt(two)).toBe(
      'WEBVTT\n\n01:00:00.000 --> 01:00:02.500\nWater &amp; &lt;drips&gt; --&gt; down.\n\n' +
        '01:00:05.000 --> 01:00:06.000\nSlowly.\n',
    );
  });

  test('plain text has a paragraph for each pause', () => {
    expect(renderTxt(two)).toBe('Water & <drips> --> down.\n\nSlowly.\n');
  });

  test('plain text breaks long talk at the end of a sentence', () => {
    const long = Array.from({ length: 300 }, (_, i) => (i % 10 === 9 ? 'word.' : 'word')).join(' ');
    const paragraphs = renderTxt(transcript([spoken(long, 0)])).split('\n\n');
    expect(paragraphs.length).toBeGreaterThan(1);
    for (const paragraph of paragraphs) expect(paragraph.trimEnd()).toMatch(/word\.$/);
  });

  test('JSON keeps everything, in a fixed order, with short numbers', () => {
    expect(renderJson(transcript([segment(word(' Hi', 0.00049, 1.23456))]))).toBe(
      '{"format":"podctl-transcript","version":1,"language":"en","languageProbability":0.9877,' +
        '"durationSeconds":34.123,"provenance":{"engine":"faster-whisper","engineVersion":"1.2.0",' +
        '"model":"tiny.en","modelRevision":"r1","computeType":"int8","device":"cpu",' +
        '"parameters":{"beamSize":1,"vad":true},"audioSha256":"00","agent":"a-1","startedAtMs":1,' +
        '"finishedAtMs":2},"segments":[{"startSeconds":0,"endSeconds":1.235,"text":"Hi",' +
        '"avgLogprob":-0.1235,"noSpeechProbability":null,"words":[{"startSeconds":0,' +
        '"endSeconds":1.235,"text":" Hi","probability":0.9}],"confidence":0.8839}]}\n',
    );
  });

  test('an empty transcript gives valid files', () => {
    const empty = transcript([]);
    expect([renderTxt(empty), renderSrt(empty), renderVtt(empty)]).toEqual(['', '', 'WEBVTT\n']);
    expect(JSON.parse(renderJson(empty))).toMatchObject({ segments: [] });
  });
});
