import { CHECKPOINTS_MAX } from '@podctl/domain/checkpoint-name.ts';
import { invariant } from '@podctl/domain/result.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeSegment } from '../shell/engine-line.ts';
import {
  checkpointKey,
  decisiveParameters,
  decodeCheckpoint,
  encodeCheckpoint,
  isCheckpointDue,
  isLong,
  joined,
} from './checkpoint.ts';
import type { HeardPart, RawSegment, RawTranscript } from './raw-transcript.ts';

const of = { run: 2, audioSha256: 'ab'.repeat(32), parameters: 'cd'.repeat(32) };
const gpu1 = { agent: 'gpu1', device: 'cuda', computeType: 'float16' };
const gpu2 = { agent: 'gpu2', device: 'cpu', computeType: 'int8' };

function segment(start: number, end: number): RawSegment {
  const word = { start, end, word: ' So', probability: 0.9 };
  return { start, end, text: 'So', avgLogprob: -0.2, noSpeechProb: null, words: [word] };
}

/** One pass: `durationSeconds` is where it ended. */
function heard(durationSeconds: number, segments: readonly RawSegment[] = []): RawTranscript {
  const rest = { language: 'en', languageProbability: 0.99, speechSeconds: 10, elapsedMs: 500 };
  return { segments, durationSeconds, ...rest };
}

const partsOf = (of: RawTranscript): readonly HeardPart[] => of.parts ?? [];

function decoded(text: string, expected = of, audioSeconds: number | null = 1_800) {
  return decodeCheckpoint(text, expected, audioSeconds, decodeSegment);
}

describe('a checkpoint', () => {
  test('is read back as it was written, whatever was heard', () => {
    const spans = fc.array(fc.tuple(fc.nat(700_000), fc.nat(20_000)), { maxLength: 20 });
    fc.assert(
      fc.property(spans, fc.option(fc.constantFrom('en', 'yue')), (times, language) => {
        const segments = times
          .sort(([a], [b]) => a - b)
          .map(([start, length]) => segment(start / 1000, (start + length) / 1000));
        const look = { atSeconds: 840, language: 'en', probability: 0.4 };
        const found = { languageBy: 'most_probable' as const, languageProbes: [look] };
        const whole = joined(null, { ...heard(720, segments), ...found, language }, gpu1);
        expect(decoded(encodeCheckpoint(of, whole))).toEqual({ ok: true, value: whole });
      }),
      { numRuns: 100 },
    );
  });

  test('of another run, other audio or other parameters is none', () => {
    const text = encodeCheckpoint(of, joined(null, heard(600), gpu1));
    expect(decoded(text).ok).toBe(true);
    for (const other of [{ run: 1 }, { audioSha256: 'ee' }, { parameters: 'ee' }])
      expect(decoded(text, { ...of, ...other }).ok).toBe(false);
  });

  test('that was torn at any place is none', () => {
    const text = encodeCheckpoint(of, joined(null, heard(600, [segment(1, 2)]), gpu1));
    for (let length = 0; length < text.length; length += 1)
      expect(decoded(text.slice(0, length)).ok).toBe(false);
  });

  test.each([
    ['is longer than its audio', (h: RawTranscript) => ({ ...h, durationSeconds: 2_000 })],
    ['has no length', (h: RawTranscript) => ({ ...h, durationSeconds: 0, parts: [] })],
    ['has times outside of it', (h: RawTranscript) => ({ ...h, segments: [segment(1, 640)] })],
    ['begins before its audio', (h: RawTranscript) => ({ ...h, segments: [segment(-1, 2)] })],
    ['ends before it begins', (h: RawTranscript) => ({ ...h, segments: [segment(2, 1)] })],
    ['goes back', (h: RawTranscript) => ({ ...h, segments: [segment(9, 10), segment(1, 2)] })],
    ['was heard by nobody', (h: RawTranscript) => ({ ...h, parts: [] })],
    [
      'has a gap',
      (h: RawTranscript) => ({ ...h, parts: partsOf(h).map((p) => ({ ...p, fromSeconds: 9 })) }),
    ],
    [
      'is by nobody',
      (h: RawTranscript) => ({ ...h, parts: partsOf(h).map((p) => ({ ...p, agent: '../x' })) }),
    ],
    ['has a language that is none', (h: RawTranscript) => ({ ...h, language: 'e\nn' })],
    ['took for ever', (h: RawTranscript) => ({ ...h, elapsedMs: 1e300 })],
    ['is not a transcript', () => ({}) as RawTranscript],
  ])('that %s is none', (_what, spoiled) => {
    const good = joined(null, heard(600, [segment(1, 2)]), gpu1);
    expect(decoded(encodeCheckpoint(of, good)).ok).toBe(true);
    expect(decoded(encodeCheckpoint(of, spoiled(good))).ok).toBe(false);
  });

  test('of anything at all never throws', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(decoded(json).ok).toBe(false);
      }),
      { numRuns: 100 },
    );
  });
});

describe('parts that are joined', () => {
  test('give the sums and segments of all, and who heard which', () => {
    const languageProbes = [{ atSeconds: 60, language: 'en', probability: 0.99 }];
    const first = joined(null, { ...heard(600, [segment(1, 2)]), languageProbes }, gpu1);
    const later = {
      ...heard(1_800, [segment(601, 602)]),
      languageProbability: 1,
      languageProbes: [],
      elapsedMs: 700,
    };
    const whole = joined(first, later, gpu2);
    expect(whole).toMatchObject({
      ...{ durationSeconds: 1_800, speechSeconds: 20, elapsedMs: 1_200 },
      ...{ language: 'en', languageProbability: 0.99, languageProbes },
      parts: [
        { ...gpu1, fromSeconds: 0, toSeconds: 600, elapsedMs: 500 },
        { ...gpu2, fromSeconds: 600, toSeconds: 1_800, elapsedMs: 700 },
      ],
    });
    expect(whole.segments).toEqual([segment(1, 2), segment(601, 602)]);
  });

  test('have the language of whoever first heard one', () => {
    const silence = { ...heard(600), language: null, languageProbability: null };
    const whole = joined(joined(null, silence, gpu1), heard(1_800), gpu2);
    expect(whole).toMatchObject({ language: 'en', languageProbability: 0.99 });
  });
});

test('the key tells audio, model and whatever else decides the words apart, and not how a machine reckons', () => {
  const model = { engine: 'e', engineVersion: '1', model: 'm', revision: 'r', note: null, ...gpu1 };
  const text = decisiveParameters(model, { prompt: 'x', decoding: { a: 1, b: 2 } });
  const turned = { decoding: { b: 2, a: 1 }, prompt: 'x', hotwords: undefined };
  expect(decisiveParameters({ ...model, ...gpu2, engineVersion: '2' }, turned)).toBe(text);
  expect(decisiveParameters({ ...model, revision: 's' }, turned)).not.toBe(text);
  expect(decisiveParameters(model, { ...turned, prompt: 'y' })).not.toBe(text);
  expect(checkpointKey(of)).toBe('abababab' + 'cdcdcdcd');
});

test('audio that is longer than the limit is checkpointed, and audio of unknown length', () => {
  expect([1_199, 1_200, 1_201, null].map((seconds) => isLong(seconds, 1_200))).toEqual([
    ...[false, false, true, true],
  ]);
});

test('a pass never leaves more checkpoints than it may, and they reach to the end of its audio', () => {
  const lengths = fc.option(fc.integer({ min: 1_200, max: 200_000 }));
  fc.assert(
    fc.property(lengths, fc.integer({ min: 60, max: 900 }), (audioSeconds, windowSeconds) => {
      let last = { seconds: 0, count: 0 };
      const end = audioSeconds ?? 20_000;
      for (let at = windowSeconds; at < end; at += windowSeconds)
        if (isCheckpointDue(at, last, audioSeconds)) last = { seconds: at, count: last.count + 1 };
      expect(last.count).toBeLessThanOrEqual(CHECKPOINTS_MAX);
      invariant(end - last.seconds <= windowSeconds + end / 4, 'little is lost');
    }),
    { numRuns: 200 },
  );
});
