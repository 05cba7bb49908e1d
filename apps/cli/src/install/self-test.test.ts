import { expect, test } from 'vitest';
import { judgeSelfTest, type SelfTestFacts } from './self-test.ts';

const expected = 'This is the Tuesday Bench, and today I have three books for you.';
const facts: SelfTestFacts = {
  expected,
  heard: { text: expected, durationSeconds: 29, elapsedMs: 2_900 },
  model: { model: 'tiny.en', device: 'cuda', computeType: 'float16', note: null },
  deviceWanted: 'auto',
  gpus: 1,
  memoryBefore: [512],
  memoryWith: [1_024],
};
const judge = (more: Partial<SelfTestFacts>) => judgeSelfTest({ ...facts, ...more });

test('the speed and the share of wrong words are told', () => {
  expect(judge({})).toEqual({
    ok: true,
    value:
      'tiny.en on cuda (float16) heard a known clip of 29 s at 10.0 times real time, 0 % of its words wrong',
  });
});

test('an engine slower than speech is not taken', () => {
  expect(judge({ heard: { ...facts.heard, elapsedMs: 58_000 } })).toMatchObject({
    ok: false,
    error: expect.stringMatching(/at 0.50 times real time.*choose a smaller model/),
  });
});

test('an engine that hears other words than were said is not taken', () => {
  const heard = { ...facts.heard, text: 'Dies ist die Dienstagsbank.' };
  expect(judge({ heard })).toMatchObject({
    ok: false,
    error: expect.stringMatching(/100 % of the words.*transcribe.model/),
  });
});

test('a GPU whose memory did not rise was not used', () => {
  expect(judge({ memoryWith: [515] })).toMatchObject({
    ok: false,
    error: expect.stringContaining('the GPU was not used: its memory rose by 3 MiB'),
  });
  expect(judge({ memoryBefore: [512, 300], memoryWith: [512, 900] }).ok).toBe(true);
  expect(judge({ memoryBefore: null, memoryWith: null }).ok).toBe(true);
});

test('an engine that fell back to the CPU says why, where there is a GPU', () => {
  const model = {
    ...facts.model,
    device: 'cpu',
    note: 'The GPU cannot be used: libcublas.so.12 is missing.',
  };
  expect(judge({ model })).toMatchObject({
    ok: false,
    error: expect.stringContaining('libcublas.so.12 is missing; install'),
  });
  expect(judge({ model, deviceWanted: 'cpu' }).ok).toBe(true);
  expect(judge({ model, gpus: 0 }).ok).toBe(true);
});
