import type { TailState } from '@podctl/platform/kv.ts';
import { expect, test } from 'vitest';
import { silenceProblem, vacancyProblem } from './silence.ts';

const tail = (phase: TailState['phase'], heardAtMs: number): TailState => ({
  phase,
  heardAtMs,
  revision: 0,
  recreated: 0,
});

test.each(['loading', 'live', 'silent'] as const)(
  'a %s tail that hears nothing for five seconds is a problem',
  (phase) => {
    expect(silenceProblem(tail(phase, 1_000), 5_999)).toBe('');
    expect(silenceProblem(tail(phase, 1_000), 13_900)).toBe('NATS has been silent for 10 s');
  },
);

test('a tail that was stopped is not waited for', () => {
  expect(silenceProblem(tail('stopped', 0), 60_000)).toBe('');
});

test('nobody leading is a problem after the time that a change of leaders takes', () => {
  expect(vacancyProblem(null, 60_000)).toBe('');
  expect(vacancyProblem(1_000, 10_999)).toBe('');
  expect(vacancyProblem(1_000, 13_500)).toBe('no coordinator leads since 10 s');
});
