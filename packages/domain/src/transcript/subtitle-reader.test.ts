import { describe, expect, test } from 'vitest';
import { renderSrt } from './srt.ts';
import { readSubtitles } from './subtitle-reader.ts';
import type { Transcript, TranscriptSegment } from './transcript.ts';
import { renderVtt } from './vtt.ts';

const texts = (text: string) => readSubtitles(text).map((one) => one.text);
const segment = (startSeconds: number, endSeconds: number, text: string): TranscriptSegment => ({
  ...{ startSeconds, endSeconds, text, words: [] },
  ...{ avgLogprob: null, noSpeechProbability: null },
});

describe('subtitles', () => {
  test('that we wrote are read with every word and time', () => {
    const segments = [segment(0.5, 2, 'One & two <3'), segment(3_601.25, 3_603, 'Далее.')];
    const transcript = {
      language: 'en',
      durationSeconds: 4_000,
      segments,
    } as unknown as Transcript;
    for (const text of [renderSrt(transcript), renderVtt(transcript)]) {
      const read = readSubtitles(text);
      expect(read.map((one) => one.text).join(' ')).toBe('One & two <3 Далее.');
      expect(read[0]?.startSeconds).toBeCloseTo(0.5, 2);
      expect(read.at(-1)?.endSeconds).toBeCloseTo(3_603, 2);
    }
  });

  test('of others are read: CRLF, a BOM, two lines, markup, settings, no hours, short fractions', () => {
    const srt =
      '\uFEFF1\r\n00:00:01,5 --> 00:00:02,000\r\n<i>One</i>\r\ntwo\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\n{\\an8}three\r\n';
    expect(readSubtitles(srt)).toEqual([segment(1.5, 2, 'One two'), segment(3, 4, 'three')]);
    const vtt =
      'WEBVTT\nKind: captions\n\nNOTE\n1:00 --> 2:00 no\n\nSTYLE\n::cue {}\n\nid\n01:02.500 --> 01:03.000 align:start\n<v Ann>One &lt; two</v>\n';
    expect(readSubtitles(vtt)).toEqual([segment(62.5, 63, 'One < two')]);
  });

  test('with damage give what can be read', () => {
    expect(texts('')).toEqual([]);
    expect(texts('rubbish\n\n00:00:xx --> 1\nlost\n\n00:00:01,000 --> 00:00:02,000\nkept')).toEqual(
      ['kept'],
    );
    expect(texts('00:00:01,000 --> 00:00:02,000\n\n')).toEqual([]);
  });
});
