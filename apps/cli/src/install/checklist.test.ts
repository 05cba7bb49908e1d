import { afterEach, expect, test, vi } from 'vitest';
import { CommandError, EXIT } from '../command-error.ts';
import {
  type ChecklistView,
  dryRun,
  outcomeLine,
  runChecklist,
  type Step,
  type StepOutcome,
} from './checklist.ts';

const never = new AbortController().signal;
afterEach(() => {
  vi.useRealTimers();
});

/** A step over one fact; `done` holds the facts. */
function step(
  id: string,
  done: Set<string>,
  act: () => Promise<string> = async () => 'made it',
): Step {
  return {
    ...{ id, title: id.toUpperCase() },
    look: async () =>
      done.has(id) ? { state: 'done', seen: 'there' } : { state: 'todo', missing: 'not there' },
    effects: () => [{ kind: 'file', path: `/etc/${id}`, mode: 0o600, text: 'a: 1\n' }],
    async act() {
      const words = await act();
      done.add(id);
      return words;
    },
  };
}

function listen() {
  const progress: string[] = [];
  const settled: StepOutcome[] = [];
  const view: ChecklistView = {
    progress: (text) => progress.push(text),
    settled: (outcome) => settled.push(outcome),
  };
  return { view, progress, settled };
}

const fails = async (): Promise<string> => {
  throw new CommandError(EXIT.unavailable, 'the port is closed; open it');
};

test('a failed step ends the list with its sentence, and the steps after it are shown as not done', async () => {
  const { view, settled } = listen();
  const done = new Set<string>();
  const steps = [step('a', done), step('b', done, fails), step('c', done)];
  const { failure } = await runChecklist(steps, view, never);
  expect(failure).toMatchObject({
    exitCode: EXIT.unavailable,
    message: 'the port is closed; open it',
  });
  expect(settled.map(({ id, state }) => [id, state])).toEqual([
    ['a', 'changed'],
    ['b', 'failed'],
    ['c', 'not-done'],
  ]);
  expect(done).toEqual(new Set(['a']));
});

test('a second run does what is missing, and leaves alone what is there', async () => {
  const done = new Set(['a', 'c']);
  const acted: string[] = [];
  const steps = ['a', 'b', 'c'].map((id) => step(id, done, async () => String(acted.push(id))));
  await runChecklist(steps, listen().view, never);
  await runChecklist(steps, listen().view, never);
  expect(acted).toEqual(['b']);
});

test('asked to stop, it begins no further step', async () => {
  const stop = new AbortController();
  const done = new Set<string>();
  const reason = new CommandError(EXIT.interrupted, 'interrupted');
  const stopping = step('a', done, async () => {
    stop.abort(reason);
    return 'made it';
  });
  const steps = [stopping, step('b', done)];
  const { failure } = await runChecklist(steps, listen().view, stop.signal);
  expect(failure).toBe(reason);
  expect(done).toEqual(new Set(['a']));
});

test('a step of more than two seconds says that it still runs', async () => {
  vi.useFakeTimers();
  const { view, progress } = listen();
  const { promise, resolve } = Promise.withResolvers<string>();
  const over = runChecklist([step('a', new Set(), () => promise)], view, never);
  await vi.advanceTimersByTimeAsync(1_900);
  expect(progress).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_200);
  resolve('made it');
  await over;
  expect(progress).toEqual(['  A: 2 s', '  A: 3 s']);
});

test('a dry run prints every file with its text, and changes nothing', async () => {
  const done = new Set(['a']);
  expect(await dryRun([step('a', done), step('b', done)])).toEqual([
    '1. A: done: there',
    '2. B: not there',
    '   file    /etc/b (mode 0600)',
    '             a: 1',
  ]);
  expect(done).toEqual(new Set(['a']));
});

test('a line tells the state in a word', () => {
  const outcome = { id: 'unit', title: 'Unit', state: 'failed', note: 'no room' } as const;
  expect(outcomeLine(outcome, 7, 10)).toBe(' 7/10 FAIL Unit: no room');
});
