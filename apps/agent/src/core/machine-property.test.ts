import type { Stage } from '@podctl/domain/stage.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AgentEffect, AgentInput, AgentState } from './agent-state.ts';
import { loadOf, reports, step } from './machine.ts';
import {
  failed,
  finished,
  job,
  otherWorld,
  SLOTS,
  serving,
  sessionOf,
  start,
  world,
} from './machine-example.ts';
import { jobKeyOf, tokenKey } from './token-key.ts';

describe('whatever comes in, in whatever order', () => {
  const inputs = fc.array(anyInput(), { maxLength: 60 });

  test('a job is begun at most once a token and session, and only by a hint of the session and cluster it is in', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        const begun = new Set<string>();
        walk(sequence, (_before, effect, after) => {
          if (effect.kind !== 'begin') return;
          const { session, cluster, job: started } = effect.assignment;
          expect(session).toBe(after.session);
          expect(cluster).toBe(after.cluster);
          const name = `${session} ${jobKeyOf(cluster, started)} ${started.token}`;
          expect(begun.has(name)).toBe(false);
          begun.add(name);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('never more run than there are slots, nor wait', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        walk(sequence, (_before, _effect, after) => {
          for (const stage of ['download', 'transcribe'] as const) {
            const load = loadOf(after, stage);
            expect(load.running).toBeLessThanOrEqual(SLOTS[stage]);
            expect(load.waiting).toBeLessThanOrEqual(SLOTS[stage]);
          }
        });
      }),
      { numRuns: 300 },
    );
  });

  test('a recorded result is forgotten only by an answer or a new cluster, and asked about only in the newest session', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        const onDisk = new Set<string>();
        walk(sequence, (before, effect, after, input) => {
          if (effect.kind === 'record') onDisk.add(effect.key);
          else if (effect.kind === 'ask')
            expect([onDisk.has(effect.key), effect.session]).toEqual([true, after.session]);
          else if (effect.kind === 'forget')
            expect([
              onDisk.delete(effect.key),
              isAnswer(input, effect.key) !== (before.cluster !== after.cluster),
            ]).toEqual([true, true]);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('draining, it begins nothing, and says goodbye once, when nothing runs, and without a stop only when all is settled', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        let goodbyes = 0;
        walk(sequence, (before, effect, after, input) => {
          if (after.draining) expect(effect.kind).not.toBe('begin');
          if (effect.kind !== 'goodbye') return;
          goodbyes += 1;
          expect(goodbyes).toBe(1);
          expect(reports(after).filter(({ phase }) => phase === 'running')).toEqual([]);
          if (endsDrain(before, input)) expect(after.tokens.size).toBe(0);
        });
      }),
      { numRuns: 500 },
    );
  });

  test('draining, it always comes to its end when what runs ends and what is asked is answered', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        let state = walk([...sequence, { kind: 'drain' }], () => undefined);
        if (state.mode === 'greeting' && state.cluster !== null)
          state = step(state, {
            kind: 'welcomed',
            cluster: state.cluster,
            session: sessionOf(7),
          }).state;
        for (const [key, { phase }] of state.tokens) {
          if (phase === 'running')
            state = step(state, { kind: 'done', key, outcome: finished() }).state;
          state = step(state, { kind: 'settled', key, answer: 'accepted' }).state;
        }
        expect(step(state, { kind: 'farewell' }).state.mode).toBe('ended');
      }),
      { numRuns: 300 },
    );
  });

  test('after its exit nothing is done any more', () => {
    fc.assert(
      fc.property(inputs, (sequence) => {
        let exits = 0;
        walk(sequence, (before, effect) => {
          expect(before.mode).not.toBe('ended');
          if (effect.kind === 'exit') exits += 1;
        });
        expect(exits).toBeLessThanOrEqual(1);
      }),
      { numRuns: 200 },
    );
  });
});

/** By itself, with a leader there. */
function endsDrain({ mode }: AgentState, input: AgentInput): boolean {
  const isAsked = input.kind === 'stop' || input.kind === 'gpu_lost' || input.kind === 'command';
  return mode === 'serving' && !isAsked;
}

function isAnswer(input: AgentInput, key: string): boolean {
  return input.kind === 'settled' && input.key === key;
}

/** Runs a sequence from a welcomed agent; `see` is called for every effect. */
function walk(
  sequence: readonly AgentInput[],
  see: (before: AgentState, effect: AgentEffect, after: AgentState, input: AgentInput) => void,
): AgentState {
  let state = serving();
  for (const input of sequence) {
    const next = step(state, input);
    for (const effect of next.effects) see(state, effect, next.state, input);
    state = next.state;
  }
  return state;
}

function anyInput(): fc.Arbitrary<AgentInput> {
  const cluster = fc.constantFrom(world, world, world, otherWorld);
  const session = fc.constantFrom(7, 7, 7, 8, 9).map(sessionOf);
  const anyJob = fc
    .record({
      stage: fc.constantFrom<Stage>('download', 'transcribe'),
      episode: fc.integer({ min: 1, max: 3 }),
      token: fc.integer({ min: 1, max: 4 }),
    })
    .map(({ stage, episode, token }) => job(stage, episode, token));
  const key = fc.tuple(cluster, anyJob).map(([c, j]) => tokenKey(c, j));
  const hint = fc.tuple(session, anyJob, cluster).map(([s, j, c]) => start(s, j, c));
  return fc.oneof(
    { weight: 6, arbitrary: hint },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('done' as const),
        key,
        outcome: fc.constantFrom(finished(), failed()),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('settled' as const),
        key,
        answer: fc.constant('accepted' as const),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('welcomed' as const), cluster, session }),
    },
    {
      weight: 2,
      arbitrary: session.map(
        (s): AgentInput => ({ kind: 'command', command: { kind: 'rehello', session: s } }),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(session, anyJob, cluster).map(
        ([s, j, c]): AgentInput => ({
          kind: 'command',
          command: { kind: 'cancel', cluster: c, session: s, job: j, reason: 'so' },
        }),
      ),
    },
    { weight: 1, arbitrary: fc.constant<AgentInput>({ kind: 'drain' }) },
    { weight: 1, arbitrary: fc.constant<AgentInput>({ kind: 'stop', reason: 'so' }) },
    { weight: 1, arbitrary: fc.constant<AgentInput>({ kind: 'gpu_lost', reason: 'so' }) },
    { weight: 1, arbitrary: fc.constant<AgentInput>({ kind: 'farewell' }) },
  );
}
