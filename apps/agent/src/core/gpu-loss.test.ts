import { expect, test } from 'vitest';
import { EXIT_GPU_LOST, EXIT_STOPPED } from './departure.ts';
import { beginLife, step } from './machine.ts';
import {
  failed,
  finished,
  job,
  running,
  SLOTS,
  serving,
  sessionOf,
  start,
} from './machine-example.ts';

const lost = { kind: 'gpu_lost', reason: 'GPU 1 is gone' } as const;

test('an agent that lost a GPU says so first, hands back what runs, and ends with an error', () => {
  const { state, key } = running();
  const told = step(state, lost);
  expect(told.effects).toMatchObject([{ kind: 'beat' }, { kind: 'cancel', key }]);
  expect(told.state).toMatchObject({ mode: 'leaving', problem: 'gpu_lost: GPU 1 is gone' });
  const ended = step(told.state, { kind: 'done', key, outcome: failed() });
  expect(ended.effects).toMatchObject([
    { kind: 'goodbye', finished: [], reason: 'gpu_lost: GPU 1 is gone' },
  ]);
  expect(step(ended.state, { kind: 'farewell' }).effects).toMatchObject([
    { kind: 'exit', code: EXIT_GPU_LOST, reason: expect.stringContaining('GPU 1 is gone') },
  ]);
});

test('it begins nothing more', () => {
  const { state } = step(serving(), lost);
  expect(step(state, start(sessionOf(7), job('transcribe', 1, 5))).effects).toEqual([]);
});

test('its finished results are told in the goodbye', () => {
  const { state, key } = running();
  const done = step(state, { kind: 'done', key, outcome: finished() });
  expect(step(done.state, lost).effects).toMatchObject([
    { kind: 'beat' },
    { kind: 'goodbye', finished: [job('download', 1, 5)] },
  ]);
});

test('the loss is said once, and no check of the library takes it back', () => {
  const { state } = step(running().state, lost);
  expect(step(state, { ...lost, reason: 'again' })).toEqual({ state, effects: [] });
  const checked = step(state, { kind: 'problem', problem: null });
  expect(checked.state.problem).toBe('gpu_lost: GPU 1 is gone');
});

test('without a session it ends at once', () => {
  const { effects } = step(beginLife(SLOTS, []).state, lost);
  expect(effects).toMatchObject([{ kind: 'beat' }, { kind: 'exit', code: EXIT_GPU_LOST }]);
});

test('an agent that drains ends by the loss; one that leaves already goes on leaving', () => {
  const { state } = running();
  const drained = step(step(state, { kind: 'drain' }).state, lost);
  expect(drained.state).toMatchObject({ mode: 'leaving', gpuLost: 'GPU 1 is gone' });
  const leaving = step(state, { kind: 'stop', reason: 'so' }).state;
  expect(step(leaving, lost)).toEqual({ state: leaving, effects: [] });
  expect(step(leaving, { kind: 'farewell' }).effects.at(-1)).toMatchObject({ code: EXIT_STOPPED });
});
