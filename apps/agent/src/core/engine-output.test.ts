import { invariant } from '@podctl/domain/result.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEngineJson } from './engine-json.ts';
import { OUTPUT_FORMS, rawTranscript, readEngineOutput, readPrinted } from './engine-output.ts';

const SRT =
  '1\n00:00:00,000 --> 00:00:02,500\nHello there.\n\n2\n00:00:02,500 --> 00:00:04,000\nAgain.\n';

function segments(form: (typeof OUTPUT_FORMS)[number], text: string) {
  const heard = readEngineOutput(form, text);
  invariant(heard !== null, 'it is read');
  return heard.segments.map(({ start, end, text: said }) => [start, end, said.trim()]);
}

describe('what other engines write', () => {
  test('SRT and WebVTT have times', () => {
    const expected = [
      [0, 2.5, 'Hello there.'],
      [2.5, 4, 'Again.'],
    ];
    expect(segments('srt', SRT)).toEqual(expected);
    expect(segments('vtt', `WEBVTT\n\n${SRT.replaceAll(',', '.')}`)).toEqual(expected);
    expect(segments('srt', '')).toEqual([]);
    expect(readEngineOutput('srt', 'no subtitles')).toBeNull();
  });

  test('JSON of whisper.cpp has words by its tokens, and the language that it found', () => {
    const token = (text: string, from: number, to: number, p: number) => ({
      ...{ text, p, offsets: { from, to } },
    });
    const tokens = [
      token('[_BEG_]', 0, 0, 1),
      token(' Hel', 0, 200, 0.9),
      token('lo', 200, 400, 0.5),
      token(' there', 400, 900, 0.8),
    ];
    const heard = readEngineJson(
      JSON.stringify({
        result: { language: 'en' },
        transcription: [{ offsets: { from: 0, to: 900 }, text: ' Hello there', tokens }],
      }),
    );
    expect(heard).toMatchObject({ language: 'en' });
    expect(heard?.segments[0]).toMatchObject({ start: 0, end: 0.9, text: ' Hello there' });
    expect(heard?.segments[0]?.words).toEqual([
      { start: 0, end: 0.4, word: ' Hello', probability: 0.5 },
      { start: 0.4, end: 0.9, word: ' there', probability: 0.8 },
    ]);
  });

  test('JSON of openai-whisper has its words in the segments, OpenAI’s server beside them', () => {
    const words = [
      { word: 'Hello', start: 0, end: 0.4 },
      { word: 'there', start: 0.4, end: 0.9 },
      { word: 'Again', start: 2, end: 2.5 },
    ];
    const two = [
      { start: 0, end: 1, text: ' Hello there', avg_logprob: -0.2, no_speech_prob: 0.01 },
      { start: 2, end: 3, text: ' Again' },
    ];
    const beside = readEngineJson(
      JSON.stringify({ language: 'english', duration: 3.5, segments: two, words }),
    );
    expect(beside).toMatchObject({ language: 'english', durationSeconds: 3.5 });
    expect(beside?.segments.map((one) => one.words.map(({ word }) => word))).toEqual([
      [' Hello', ' there'],
      [' Again'],
    ]);
    expect(beside?.segments[0]).toMatchObject({ avgLogprob: -0.2, noSpeechProb: 0.01 });
    const inside = readEngineJson(JSON.stringify({ segments: [{ ...two[0], words: [words[0]] }] }));
    expect(inside?.segments[0]?.words).toHaveLength(1);
  });

  test('our own JSON, and text alone, are read too; other JSON is not', () => {
    const own = { format: 'podctl-transcript', version: 1, language: 'en', durationSeconds: 2 };
    const segment = { startSeconds: 0, endSeconds: 1, text: 'Hello', words: [] };
    expect(readEngineJson(JSON.stringify({ ...own, segments: [segment] }))).toMatchObject({
      durationSeconds: 2,
      segments: [{ start: 0, end: 1, text: 'Hello' }],
    });
    expect(readEngineJson('{"text": "Hello"}')?.segments[0]).toMatchObject({ text: 'Hello' });
    expect(readEngineJson('{"answer": 42}')).toBeNull();
    expect(readEngineJson('[]')).toBeNull();
    expect(readEngineJson('{')).toBeNull();
  });

  test('stdout is read in the form that it has', () => {
    const printed =
      '[00:00:00.000 --> 00:00:02.500]   Hello there.\n[01:00:02.500 --> 01:00:04.000]  Again.\n';
    expect(readPrinted(printed)?.segments.map(({ end }) => end)).toEqual([2.5, 3_604]);
    expect(readPrinted('[00:00.000 --> 00:02.500] Hi')?.segments).toHaveLength(1);
    expect(readPrinted(SRT)?.segments).toHaveLength(2);
    expect(readPrinted(' {"text": "Hi"}')?.segments).toHaveLength(1);
    expect(readPrinted('Hello\nthere.')?.segments).toMatchObject([{ text: 'Hello there.' }]);
  });

  test('text without times lasts as long as the audio', () => {
    const heard = readEngineOutput('txt', 'Hello\nthere.\n');
    invariant(heard !== null, 'it is read');
    const raw = rawTranscript(heard, 12, 100);
    expect(raw.segments).toMatchObject([{ start: 0, end: 12, text: 'Hello there.' }]);
    expect(raw).toMatchObject({ durationSeconds: 12, speechSeconds: 12, elapsedMs: 100 });
  });

  test('whisper.cpp’s mark of silence is no speech, and silence has no language', () => {
    const heard = readEngineOutput('srt', '1\n00:00:00,000 --> 00:00:03,000\n [BLANK_AUDIO]\n');
    invariant(heard !== null, 'it is read');
    const raw = rawTranscript({ ...heard, language: 'en' }, 3, 1);
    expect(raw).toMatchObject({ segments: [], language: null, speechSeconds: 0 });
  });

  test('whatever the times are, segments are in order and within the audio', () => {
    const time = fc.oneof(fc.double(), fc.double({ min: -5, max: 20 }));
    const segment = fc.record({ start: time, end: time, text: fc.string() });
    void fc.assert(
      fc.property(fc.array(segment), (list) => {
        const bare = { avgLogprob: null, noSpeechProb: null, words: [] };
        const of = { language: null, languageProbability: null, durationSeconds: null };
        const raw = rawTranscript({ ...of, segments: list.map((s) => ({ ...bare, ...s })) }, 10, 1);
        let before = 0;
        for (const { start, end } of raw.segments) {
          expect(start).toBeGreaterThanOrEqual(before);
          expect(end).toBeGreaterThanOrEqual(start);
          expect(end).toBeLessThanOrEqual(10);
          before = start;
        }
        expect(raw.speechSeconds).toBeLessThanOrEqual(10);
      }),
      { numRuns: 200 },
    );
  });

  test('whatever stands in a file, reading it does not throw', () => {
    void fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const form of OUTPUT_FORMS) {
          const heard = readEngineOutput(form, text);
          if (heard !== null) rawTranscript(heard, null, 1);
        }
        readPrinted(text);
      }),
      { numRuns: 200 },
    );
  });
});
