import { err, invariant, ok } from '@podctl/domain/result.ts';
import { expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { hearingParameters, keptOf, qualityDetails } from '../core/judged-hearing.ts';
import type { RawTranscript } from '../core/raw-transcript.ts';
import type { TranscribeWork } from '../core/transcript-of.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import { hearWell } from './second-pass.ts';

const TALK =
  'we walked down to the harbour and nobody had told the keeper that the tide would be early this morning';
const LOOP = 'so '.repeat(20).trim();

test('what was heard well is heard once, and its quality is told', async () => {
  const { passes, requests, progress } = await heard([said(TALK)]);
  expect(requests).toHaveLength(1);
  expect(qualityDetails(passes)).toMatchObject({ quality: 1, 'quality.wordsPerMinute': 120 });
  expect(Math.max(...progress)).toBeLessThanOrEqual(0.9);
});

test('what is poor is heard once more in another way, and the better one is kept, with both on record', async () => {
  const { passes, requests } = await heard([said(LOOP), said(TALK)]);
  expect(requests.map(({ decoding }) => decoding?.sequential ?? false)).toEqual([false, true]);
  expect(keptOf(passes).raw.segments[0]?.text).toBe(TALK);
  expect(qualityDetails(passes)).toMatchObject({
    ...{ quality: 1, secondPass: 'kept', qualityFirst: 0, qualitySecond: 1 },
  });
  expect(hearingParameters(passes)).toMatchObject({
    ...{ pass: 2, sequential: true, conditionOnPreviousText: false, vadThreshold: 0.35 },
    temperature: '0, 0.4, 0.8',
  });
});

test('a second pass that is no better leaves the first, and there is no third', async () => {
  const { passes, requests } = await heard([said(`${LOOP} yes`), said(LOOP), said(TALK)]);
  expect(requests).toHaveLength(2);
  expect(keptOf(passes).raw.segments[0]?.text).toBe(`${LOOP} yes`);
  expect(qualityDetails(passes)).toMatchObject({ secondPass: 'not better', qualitySecond: 0 });
  expect(hearingParameters(passes)).not.toHaveProperty('pass');
});

test('a second pass that fails never loses the first', async () => {
  const broken: EngineFailure = { code: 'engine_died', message: 'It died.' };
  const { passes } = await heard([said(LOOP), broken]);
  expect(keptOf(passes).raw.segments[0]?.text).toBe(LOOP);
  expect(qualityDetails(passes)).toMatchObject({ quality: 0, secondPass: 'failed: engine_died' });
});

test('a job that is called off ends in the second pass too', async () => {
  const cancel = new AbortController();
  const cancelled = () => {
    cancel.abort();
    return { code: 'cancelled', message: 'It was.' } as const;
  };
  const outcome = await hear([said(LOOP), cancelled], {}, cancel.signal);
  expect(outcome.result).toMatchObject({ ok: false, error: { code: 'cancelled', returned: true } });
});

test('the progress of two passes never runs backwards', async () => {
  const { progress } = await heard([said(LOOP), said(TALK)]);
  expect(progress).toEqual([...progress].sort((a, b) => a - b));
  expect(progress.at(-1)).toBe(1);
});

test('nothing is heard twice where nobody asked for it, or the engine would do the same again', async () => {
  expect((await heard([said(LOOP)], { qualityMin: 0 })).requests).toHaveLength(1);
  expect((await heard([said(LOOP)], { qualityMin: undefined })).requests).toHaveLength(1);
  expect((await heard([said(LOOP)], {}, false)).requests).toHaveLength(1);
});

test('silence is heard once: there is nothing to judge', async () => {
  const { passes, requests } = await heard([{ ...said(TALK), segments: [], speechSeconds: 0 }]);
  expect(requests).toHaveLength(1);
  expect(qualityDetails(passes)).toEqual({ quality: null });
});

test('speech of which the model understood nothing is worth nothing, and is heard again', async () => {
  const you = { text: 'you', avgLogprob: -1.36, noSpeechProb: 0.94 };
  const [segment] = said('you').segments;
  invariant(segment !== undefined, 'there is one');
  const nothing = { ...said('you'), segments: [{ ...segment, ...you, end: 2 }] };
  const { passes } = await heard([nothing, said(TALK)]);
  expect(qualityDetails(passes)).toMatchObject({ qualityFirst: 0, quality: 1 });
  const both = await heard([nothing, nothing]);
  expect(qualityDetails(both.passes)).toMatchObject({ quality: 0, droppedFor: 'no_speech' });
});

test('a language that only the second pass found is told with its own figures', async () => {
  const [segment] = said('you').segments;
  invariant(segment !== undefined, 'there is one');
  const nothing = {
    ...said('you'),
    ...{ segments: [{ ...segment, avgLogprob: -1.36, noSpeechProb: 0.94, end: 2 }] },
    ...{ language: 'cy', languageProbability: 0.3, languageBy: 'most_probable' as const },
  };
  const english = { language: 'en', languageProbability: 0.9, languageBy: 'majority' as const };
  const { passes } = await heard([nothing, { ...said(TALK), ...english }], { language: null });
  expect(keptOf(passes).raw).toMatchObject(english);
});

test('how the language is to be found reaches the engine, with what was heard in the feed before', async () => {
  const languageProbe = { offsetSeconds: 60, confidenceMin: 0.5 };
  const { requests } = await heard([said(TALK)], { languageProbe, language: null });
  expect(requests[0]).toMatchObject({ languageProbe: { ...languageProbe, hint: 'de' } });
});

test('prompt, hotwords and language reach the engine in both passes', async () => {
  const words = { prompt: 'Aalto', hotwords: 'Kotka', language: 'en' };
  const { requests } = await heard([said(LOOP), said(TALK)], words);
  for (const request of requests) expect(request).toMatchObject(words);
});

type Answer = RawTranscript | EngineFailure | (() => EngineFailure);

async function heard(
  answers: readonly Answer[],
  work: Partial<TranscribeWork> = {},
  decodes = true,
) {
  const signal = new AbortController().signal;
  const { result, ...rest } = await hear(answers, work, signal, decodes);
  invariant(result.ok, 'it is heard');
  return { ...rest, passes: result.value.passes };
}

async function hear(
  answers: readonly Answer[],
  changes: Partial<TranscribeWork>,
  signal: AbortSignal,
  decodes = true,
) {
  const requests: TranscribeRequest[] = [];
  const progress: number[] = [];
  const model = { model: 'm', revision: 'r', device: 'cpu', computeType: 'int8', note: null };
  const engine: Engine = {
    capabilities: { ...WHISPER_CAPABILITIES, decoding: decodes },
    describe: () => 'scripted',
    load: async () => ok({ engine: 'scripted', engineVersion: '1', ...model }),
    async transcribe(request, onPosition) {
      const next = answers[requests.length];
      invariant(next !== undefined, 'so often it is asked');
      requests.push(request);
      for (const seconds of [0, 5, 10]) onPosition(seconds, 10);
      const answer = typeof next === 'function' ? next() : next;
      return 'code' in answer ? err(answer) : ok(answer);
    },
    stop: async () => undefined,
  };
  const work: TranscribeWork = {
    ...{ kind: 'transcribe', audioPath: 'a.mp3', audioSha256: 'a'.repeat(64), audioSeconds: 10 },
    ...{ model: 'm', language: 'en', qualityMin: 0.4, ...changes },
  };
  const audio = { path: '/a.mp3', intact: async () => true, [Symbol.dispose]: () => undefined };
  const context = { signal, progress: (done: number) => void progress.push(done), log: silentLog };
  const result = await hearWell(engine, audio, work, context, { languageHint: 'de' });
  return { result, requests, progress };
}

/** Ten seconds of speech, heard without a doubt. */
function said(text: string): RawTranscript {
  const segment = { start: 0, end: 10, text, avgLogprob: -0.2, noSpeechProb: 0, words: [] };
  return {
    segments: [segment],
    ...{ language: 'en', languageProbability: 0.99, durationSeconds: 10, speechSeconds: 10 },
    elapsedMs: 100,
  };
}
