import { expect, test } from 'vitest';
import { renderJson } from './json.ts';
import { readTranscriptJson, readWholeTranscript } from './json-reader.ts';

const provenance = {
  ...{ engine: 'e', engineVersion: '1', model: 'm', modelRevision: 'r', computeType: 'int8' },
  ...{ device: 'cpu', parameters: {}, audioSha256: 'ab', agent: 'a' },
  ...{ startedAtMs: 1, finishedAtMs: 2 },
};

test('what was written is read: segments, their words, and when it was made', () => {
  const words = [{ startSeconds: 0, endSeconds: 1, text: ' hello', probability: 0.5 }];
  const one = { startSeconds: 0, endSeconds: 1, text: ' hello', avgLogprob: -1 };
  const segments = [{ ...one, noSpeechProbability: 0, words }];
  const of = { language: 'en', languageProbability: null, durationSeconds: 1 };
  const read = readTranscriptJson(renderJson({ ...of, segments, provenance }));
  expect(read.ok && read.value.finishedAtMs).toBe(2);
  expect(read.ok && read.value.segments[0]).toMatchObject({
    text: ' hello',
    words: [{ startSeconds: 0, endSeconds: 1, text: ' hello' }],
  });
});

test('what is none, or of a newer version, is refused in words', () => {
  const problem = (text: string) => {
    const read = readTranscriptJson(text);
    return read.ok ? 'taken' : read.error;
  };
  expect(problem('{')).toBe('it is no JSON');
  expect(problem('[]')).toBe('it is no transcript of podctl');
  expect(problem('{"format": "podctl-transcript", "version": 2}')).toMatch(/newer podctl/);
  expect(problem('{"format": "podctl-transcript", "version": 1}')).toMatch(/no list of segments/);
  const odd = '{"format": "podctl-transcript", "version": 1, "segments": [1, null, {"text": 5}]}';
  expect(problem(odd)).toBe('taken');
});

test('all of it is read again, and what is missing or no value is empty', () => {
  const words = [{ startSeconds: 0, endSeconds: 1, text: ' hello', probability: null }];
  const one = { startSeconds: 0, endSeconds: 1, text: 'hello', avgLogprob: -1 };
  const segments = [{ ...one, noSpeechProbability: 0.25, words }];
  const parameters = { beamSize: 5, language: null, vad: true };
  const of = { language: 'en', languageProbability: 0.5, durationSeconds: 1.5, segments };
  const transcript = { ...of, provenance: { ...provenance, parameters } };
  expect(readWholeTranscript(renderJson(transcript))).toEqual({ ok: true, value: transcript });
  const bare = readWholeTranscript('{"format":"podctl-transcript","version":1,"segments":[]}');
  expect(bare.ok && bare.value).toMatchObject({ language: '', durationSeconds: 0 });
  expect(bare.ok && bare.value.provenance).toMatchObject({ engine: '', parameters: {} });
});
