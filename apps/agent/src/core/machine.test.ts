import { invariant } from '@podctl/domain/result.ts';
import { describe, expect, test } from 'vitest';
import { EXIT_REFUSED, EXIT_STOPPED, EXIT_SUPERSEDED } from './departure.ts';
import { BEGUN_MAX, beginLife, loadOf, reports, step, waitingOf } from './machine.ts';
import {
  failed,
  finished,
  job,
  otherWorld,
  rehello,
  running,
  SLOTS,
  serving,
  sessionOf,
  start,
  welcome,
  workFor,
  world,
} from './machine-example.ts';
import { type PendingResult, tokenKey } from './token-key.ts';

describe('the agent machine', () => {
  test('says hello first, and takes no hint before it is welcomed', () => {
    const life = beginLife(SLOTS, []);
    expect(life.effects).toEqual([{ kind: 'hello', cluster: null }]);
    expect(step(life.state, start(sessionOf(7), job('download', 1, 5))).effects).toEqual([]);
  });

  test('begins a hinted job once, however often it is hinted', () => {
    let state = serving();
    const hint = start(sessionOf(7), job('download', 1, 5));
    const first = step(state, hint);
    expect(first.effects.map((effect) => effect.kind)).toEqual(['begin']);
    state = first.state;
    expect(step(state, hint).effects).toEqual([]);
    const key = tokenKey(world, job('download', 1, 5));
    state = step(state, { kind: 'done', key, outcome: finished() }).state;
    state = step(state, { kind: 'settled', key, answer: 'accepted' }).state;
    expect(reports(state)).toEqual([]);
    expect(step(state, hint).effects).toEqual([]);
    expect(step(state, start(sessionOf(7), job('download', 1, 6))).effects).toHaveLength(1);
  });

  test('remembers so many jobs as begun, those that were begun last', () => {
    const old = Array.from({ length: BEGUN_MAX }, (_, n) => [`job ${n}`, n] as const);
    const before = { ...serving(), begun: new Map(old) };
    const { begun } = step(before, start(sessionOf(7), job('download', 1, 5))).state;
    expect([begun.size, begun.has('job 0'), begun.has('job 1')]).toEqual([BEGUN_MAX, false, true]);
    expect([...begun.values()].at(-1)).toBe(5);
  });

  test('ignores hints of another session, another cluster, and work that does not fit its stage', () => {
    const state = serving();
    const fitting = job('download', 1, 5);
    for (const input of [
      start(sessionOf(8), fitting),
      start(sessionOf(7), fitting, otherWorld),
      start(sessionOf(7), fitting, world, workFor('transcribe')),
    ])
      expect(step(state, input)).toEqual({ state, effects: [] });
  });

  test('a start beyond the slots waits, begins when one comes free, and too many are left to be sent again', () => {
    let state = serving();
    const kinds: string[][] = [];
    for (const n of [1, 2, 3, 4, 5, 6, 7]) {
      const next = step(state, start(sessionOf(7), job('transcribe', n, 10 + n)));
      state = next.state;
      kinds.push(next.effects.map((effect) => effect.kind));
    }
    expect(kinds).toEqual([['begin'], [], [], [], [], [], []]);
    expect(loadOf(state, 'transcribe')).toEqual({ running: 1, waiting: 5 });
    const key = tokenKey(world, job('transcribe', 1, 11));
    const after = step(state, { kind: 'done', key, outcome: finished() });
    expect(after.effects.map((effect) => effect.kind)).toEqual(['record', 'ask', 'begin']);
  });

  test('what waits is told as waiting, and handed back when asked for; what has begun goes on', () => {
    const [first, second] = [job('transcribe', 1, 11), job('transcribe', 2, 12)];
    const started = [first, second].reduce(
      (state, each) => step(state, start(sessionOf(7), each)).state,
      serving(),
    );
    expect(reports(started).map(({ waiting }) => waiting === true)).toEqual([false, true]);
    expect([...waitingOf(started).values()]).toMatchObject([{ job: second }]);
    const release = (state: typeof started, asked: typeof first) =>
      step(state, {
        kind: 'command',
        command: {
          ...{ kind: 'release', cluster: world, session: sessionOf(7), job: asked },
          reason: 'another agent is free for it',
        },
      });
    expect(release(started, first)).toEqual({ state: started, effects: [] });
    const { state, effects } = release(started, second);
    const outcome = { returned: true, reason: 'another agent is free for it' };
    expect(effects).toMatchObject([{ kind: 'record', result: { outcome } }, { kind: 'ask' }]);
    expect(waitingOf(state).size).toBe(0);
    const late = step(state, start(sessionOf(7), second));
    expect(late).toEqual({ state, effects: [] });
  });

  test('a word about a running job is told with it, shortened', () => {
    const { state, key } = running();
    const noted = step(state, { kind: 'note', key, note: 'x'.repeat(200) });
    expect(reports(noted.state)).toMatchObject([{ note: 'x'.repeat(120) }]);
    const other = step(state, { kind: 'note', key: 'no such token', note: 'x' });
    expect(other).toEqual({ state, effects: [] });
  });

  test('a result is journalled before it is asked about, and forgotten only when answered', () => {
    const { state, key } = running();
    const ended = step(state, { kind: 'done', key, outcome: finished() });
    expect(ended.effects.map((effect) => effect.kind)).toEqual(['record', 'ask']);
    expect(reports(ended.state)).toMatchObject([{ phase: 'finished', progress: 1 }]);
    const settled = step(ended.state, { kind: 'settled', key, answer: 'fenced' });
    expect(settled.effects).toEqual([{ kind: 'forget', key }]);
  });

  test('results of an earlier life are asked about in the new session', () => {
    const result: PendingResult = {
      cluster: world,
      job: job('download', 1, 5),
      outcome: finished(),
    };
    const life = beginLife(SLOTS, [result]);
    expect(life.effects).toEqual([{ kind: 'hello', cluster: world }]);
    const { state, effects } = step(life.state, welcome(9));
    expect(effects).toEqual([
      { kind: 'ask', key: tokenKey(world, result.job), session: sessionOf(9), result },
    ]);
    expect(reports(state)).toMatchObject([{ phase: 'unsettled' }]);
  });

  test('a new session ends what runs for the old one without a word about it', () => {
    const { state, key } = running();
    const again = step(state, { kind: 'command', command: rehello(7) });
    expect(again.effects).toEqual([{ kind: 'hello', cluster: world }]);
    const renewed = step(again.state, welcome(8));
    expect(renewed.effects).toMatchObject([{ kind: 'cancel', key }]);
    expect(step(renewed.state, { kind: 'done', key, outcome: failed() }).effects).toEqual([]);
  });

  test('a resumed session goes on with what runs', () => {
    const { state } = running();
    const again = step(state, { kind: 'command', command: rehello(7) });
    expect(step(again.state, welcome(7))).toEqual({ state, effects: [] });
  });

  test('in a new cluster everything held is dropped and hello is said again', () => {
    const held = running();
    const other = step(held.state, start(sessionOf(7), job('download', 2, 6)));
    const otherKey = tokenKey(world, job('download', 2, 6));
    const ended = step(other.state, { kind: 'done', key: otherKey, outcome: finished() });
    const greeting = step(ended.state, { kind: 'command', command: rehello(7) }).state;
    const moved = step(greeting, {
      kind: 'welcomed',
      cluster: otherWorld,
      session: sessionOf(2),
    });
    expect(moved.effects.map((effect) => effect.kind)).toEqual(['cancel', 'forget', 'hello']);
    const late = step(moved.state, { kind: 'done', key: held.key, outcome: finished() });
    expect(late.effects).toEqual([]);
    expect(reports(late.state)).toEqual([]);
  });

  test('a cancelled job is given back as returned when the leader asked for it', () => {
    const { state, key } = running();
    const command = {
      kind: 'cancel',
      cluster: world,
      session: sessionOf(7),
      job: job('download', 1, 5),
      reason: 'not held',
    } as const;
    const cancelled = step(state, { kind: 'command', command });
    expect(cancelled.effects).toEqual([{ kind: 'cancel', key, reason: 'not held' }]);
    expect(step(cancelled.state, { kind: 'command', command }).effects).toEqual([]);
    const ended = step(cancelled.state, { kind: 'done', key, outcome: failed() });
    expect(ended.effects.map((effect) => effect.kind)).toEqual(['record', 'ask']);
  });

  test('superseded in its own session it exits; in another one it goes on', () => {
    const { state } = running();
    const ours = { kind: 'superseded', session: sessionOf(7) } as const;
    const theirs = { kind: 'superseded', session: sessionOf(6) } as const;
    expect(step(state, { kind: 'command', command: theirs }).effects).toEqual([]);
    const { effects } = step(state, { kind: 'command', command: ours });
    expect(effects).toMatchObject([{ kind: 'cancel' }, { kind: 'exit', code: EXIT_SUPERSEDED }]);
  });

  test('refused for good, it exits', () => {
    const life = beginLife(SLOTS, []);
    const { effects } = step(life.state, { kind: 'refused', reason: 'another one lives.' });
    expect(effects).toMatchObject([{ kind: 'exit', code: EXIT_REFUSED }]);
  });

  test('asked to stop it stops what runs, then says goodbye with what is finished, then exits', () => {
    const { state, key } = running();
    const second = step(state, start(sessionOf(7), job('download', 2, 6)));
    const secondKey = tokenKey(world, job('download', 2, 6));
    const ended = step(second.state, { kind: 'done', key: secondKey, outcome: finished() });
    const leaving = step(ended.state, { kind: 'stop', reason: 'SIGTERM' });
    expect(leaving.effects).toEqual([{ kind: 'cancel', key, reason: 'SIGTERM' }]);
    expect(step(leaving.state, start(sessionOf(7), job('download', 3, 7))).effects).toEqual([]);
    const quiet = step(leaving.state, { kind: 'done', key, outcome: failed() });
    expect(quiet.effects).toEqual([
      {
        kind: 'goodbye',
        cluster: world,
        session: sessionOf(7),
        finished: [job('download', 2, 6)],
        reason: 'SIGTERM',
      },
    ]);
    expect(step(quiet.state, { kind: 'farewell' }).effects).toMatchObject([
      { kind: 'exit', code: EXIT_STOPPED },
    ]);
  });

  test('draining it hands back what waits and what still comes, finishes what runs, and leaves when all is settled', () => {
    let state = serving();
    for (const n of [1, 2])
      state = step(state, start(sessionOf(7), job('transcribe', n, 10 + n))).state;
    const [ran, waited, late] = [1, 2, 3].map((n) => tokenKey(world, job('transcribe', n, 10 + n)));
    invariant(ran !== undefined && waited !== undefined && late !== undefined, 'three keys');
    const drained = step(state, { kind: 'drain' });
    const handedBack = { kind: 'failed', code: 'draining', returned: true };
    expect(drained.effects).toMatchObject([
      { kind: 'record', key: waited, result: { outcome: handedBack } },
      { kind: 'ask', key: waited },
    ]);
    expect(step(drained.state, { kind: 'drain' }).effects).toEqual([]);
    const hint = start(sessionOf(7), job('transcribe', 3, 13));
    const refused = step(drained.state, hint);
    expect(refused.effects).toMatchObject([
      { kind: 'record', key: late },
      { kind: 'ask', key: late },
    ]);
    expect(reports(refused.state).map(({ phase }) => phase)).toEqual([
      'running',
      'unsettled',
      'unsettled',
    ]);
    state = refused.state;
    for (const key of [waited, late])
      state = step(state, { kind: 'settled', key, answer: 'noted' }).state;
    expect(step(state, hint).effects).toEqual([]);
    const done = step(state, { kind: 'done', key: ran, outcome: finished() });
    expect(done.effects.map(({ kind }) => kind)).toEqual(['record', 'ask']);
    const settled = step(done.state, { kind: 'settled', key: ran, answer: 'accepted' });
    expect(settled.effects.map(({ kind }) => kind)).toEqual(['forget', 'goodbye']);
  });

  test('draining it goes on through a change of leaders, and does not wait for one when nothing runs', () => {
    const { state, key } = running();
    const drained = step(state, { kind: 'drain' }).state;
    const greeting = step(drained, { kind: 'command', command: rehello(7) });
    const resumed = step(greeting.state, welcome(7));
    expect(resumed).toEqual({ state: drained, effects: [] });
    const alone = step(greeting.state, { kind: 'done', key, outcome: finished() });
    expect(alone.effects).toMatchObject([
      { kind: 'record', key },
      { kind: 'goodbye', finished: [job('download', 1, 5)] },
    ]);
    expect(step(beginLife(SLOTS, []).state, { kind: 'drain' }).effects).toMatchObject([
      { kind: 'exit', code: EXIT_STOPPED },
    ]);
  });

  test('a stop amid a drain hands back what runs', () => {
    const { state, key } = running();
    const stopped = step(step(state, { kind: 'drain' }).state, {
      kind: 'stop',
      reason: 'too late',
    });
    expect(stopped.effects).toEqual([{ kind: 'cancel', key, reason: 'too late' }]);
    const { effects } = step(stopped.state, { kind: 'done', key, outcome: failed() });
    expect(effects).toMatchObject([{ kind: 'goodbye', finished: [], reason: 'too late' }]);
  });

  test('with a problem it hands new work back, once the leader can know why, and goes on with the old', () => {
    const { state } = running();
    const problem = 'the library is offline';
    const troubled = step(state, { kind: 'problem', problem }).state;
    const hinted = job('download', 2, 6);
    const hint = start(sessionOf(7), hinted);
    const refused = step(troubled, hint);
    const outcome = { kind: 'failed', reason: problem, returned: true, retryAfterMs: 60_000 };
    expect(refused.effects).toMatchObject([
      { kind: 'beat' },
      { kind: 'record', result: { job: hinted, outcome } },
      { kind: 'ask', result: { job: hinted, outcome } },
    ]);
    expect(reports(refused.state).map(({ phase }) => phase)).toEqual(['running', 'unsettled']);
    expect(step(refused.state, hint).effects).toEqual([]);
    const well = step(troubled, { kind: 'problem', problem: null }).state;
    expect(step(well, hint).effects.map(({ kind }) => kind)).toEqual(['begin']);
  });
});
