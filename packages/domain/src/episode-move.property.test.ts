import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { workedOff } from './diligent-worker-example.ts';
import { hasResult, type Move, move } from './episode-move.ts';
import { type EpisodeState, type Lock, newEpisode, type StageState } from './episode-state.ts';
import type { AgentId, ClusterId, Epoch, Nonce, SessionId, Token } from './ids.ts';
import { isCanary, LOSSES_ON_ONE_AGENT_MAX } from './retry.ts';
import { ASIDE_STAGES, MAIN_STAGES, STAGE_INPUT, STAGE_ROWS, STAGES, type Stage } from './stage.ts';

const limits = { failuresMax: 3, lossesMax: 3, backoffFirstMs: 1_000, backoffMaxMs: 8_000 };
const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 9, audioSeconds: 60 };
const nonces = ['a'.repeat(16) as Nonce, 'b'.repeat(16) as Nonce] as const;

interface Written {
  readonly revision: number;
  readonly state: EpisodeState;
}

/** The one key as the server keeps it: a write lands only at the revision that it expects. `log` is never cut. */
class Key {
  readonly log: Written[];
  #streamSequence = 1;

  constructor(state: EpisodeState) {
    this.log = [{ revision: 1, state }];
  }

  get newest(): Written {
    const last = this.log.at(-1);
    if (last === undefined) throw new Error('the log is never empty');
    return last;
  }

  cas(expected: number, state: EpisodeState): boolean {
    if (this.newest.revision !== expected) return false;
    this.#streamSequence += 1;
    this.log.push({ revision: this.#streamSequence, state });
    return true;
  }

  /** Another key of the bucket was written. */
  passBy(): void {
    this.#streamSequence += 1;
  }
}

const twice = <T extends string>(...kinds: readonly T[]) => [...kinds, ...kinds];

const commands = fc.record({
  /** Which of two writers, each of whom believes that it leads. */
  writer: fc.constantFrom(0, 1),
  /** Reads again before it decides; else it decides by what it saw long ago. */
  reads: fc.constantFrom(true, true, true, false),
  /** The write leaves at once, or only when the writer's next command comes: late. */
  lands: fc.constantFrom('now', 'now', 'now', 'late'),
  // Mostly the first: what comes after it has something to work on.
  stage: fc.constantFrom(
    ...MAIN_STAGES,
    ...MAIN_STAGES,
    ...MAIN_STAGES,
    'download',
    ...ASIDE_STAGES,
  ),
  kind: fc.constantFrom(
    ...(['request', 'request', 'hasten', 'skip', 'adopt'] as const),
    ...(['expire', 'expired', 'purge'] as const),
    ...twice('assign', 'assign', 'commit', 'commit', 'revoke', 'revoke', 'publish', 'publish'),
    ...(['assign', 'revoke'] as const),
  ),
  /** The token that holds the lock, or any other: an agent of an older token asks, too. */
  token: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, fc.integer({ min: 1, max: 40 })),
  request: fc.constantFrom('r0', 'r1', 'r2', 'r3', 'r4'),
  agent: fc.constantFrom('a', 'b', 'c'),
  end: fc.constantFrom('lost', 'lost', 'lost', 'failed', 'failed', 'returned', 'canceled', 'final'),
  random: fc.double({ min: 0, max: 0.999, noNaN: true }),
});
type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never;

function moveOf(command: Command, seen: Written): Move {
  const { lock } = seen.state.stages[command.stage];
  const current = lock.state === 'held' || lock.state === 'committed' ? lock.token : 1;
  const token = (command.token ?? current) as Token;
  switch (command.kind) {
    case 'request':
      return { kind: 'request', request: command.request };
    case 'assign':
    case 'adopt': {
      const holder = {
        cluster: 'c'.repeat(16) as ClusterId,
        token: seen.revision as Token,
        agent: command.agent as AgentId,
        session: 1 as SessionId,
        epoch: 1 as Epoch,
        nowMs: 1_000,
      };
      return command.kind === 'adopt'
        ? { kind: 'adopt', holder, manifest }
        : { kind: 'assign', holder };
    }
    case 'commit':
      return { kind: 'commit', token, manifest };
    case 'publish':
      return { kind: 'publish', token };
    case 'expire':
    case 'expired':
    case 'purge':
      return { kind: command.kind, token: seen.state.stages[command.stage].done?.token ?? token };
    case 'hasten':
      return { kind: 'hasten' };
    case 'skip':
      return { kind: 'skip', reason: 'skipped by ann' };
    default:
      return { kind: 'revoke', token, end: endOf(command), nowMs: 1_000, random: command.random };
  }
}

function endOf({ end, random }: Command) {
  if (end === 'lost') return { kind: 'lost' } as const;
  if (end === 'returned')
    return { kind: 'returned', reason: 'goodbye', retryAfterMs: null } as const;
  if (end === 'canceled')
    return { kind: random < 0.5 ? 'canceled' : 'skipped', reason: 'by ann' } as const;
  return { kind: 'failed', reason: 'no', retryAfterMs: null, final: end === 'final' } as const;
}

const fresh = () => newEpisode('c'.repeat(16) as ClusterId, nonces[0], 'poll');

/** Two rival writers at one key; gives all that was ever written. */
function history(script: readonly Command[]): Written[] {
  const key = new Key(fresh());
  const seen = [key.newest, key.newest];
  const late: ({ readonly expected: number; readonly state: EpisodeState } | null)[] = [null, null];
  for (const command of script) {
    const waiting = late[command.writer] ?? null;
    if (waiting !== null) key.cas(waiting.expected, waiting.state);
    late[command.writer] = null;
    if (command.reads) seen[command.writer] = key.newest;
    else key.passBy();
    const read = seen[command.writer] ?? key.newest;
    const nonce = nonces[command.writer] ?? nonces[0];
    const moved = move(read.state, command.stage, moveOf(command, read), nonce, limits);
    if (!moved.ok) continue;
    if (command.lands === 'late')
      late[command.writer] = { expected: read.revision, state: moved.value };
    else key.cas(read.revision, moved.value);
  }
  return key.log;
}

/** Each stage's states in the order in which they were written. */
function pairs(log: readonly Written[], stage: Stage): (readonly [StageState, StageState])[] {
  return log.slice(1).flatMap(({ state }, i) => {
    const before = log[i]?.state.stages[stage];
    return before === undefined ? [] : [[before, state.stages[stage]] as const];
  });
}

const holding = (lock: Lock) => (lock.state === 'held' || lock.state === 'committed' ? lock : null);
const isPurged = ({ done: was }: StageState, { done: is }: StageState) =>
  is?.purged === true && was?.token === is.token && was.purged !== true;
const doneRun = (stage: StageState) => stage.done?.run ?? 0;

const scripts = fc.array(commands, { minLength: 1, maxLength: 100, size: 'max' });

const isOpen = (stage: StageState) => doneRun(stage) < stage.wanted && stage.lock.state !== 'dead';

/** Holds for every history, and is told of every write. */
function everyWrite(
  claim: (before: EpisodeState['stages'], after: EpisodeState['stages']) => void,
) {
  fc.assert(
    fc.property(scripts, (script) => {
      let before = fresh().stages;
      for (const { state } of history(script)) {
        claim(before, state.stages);
        before = state.stages;
      }
    }),
    { numRuns: 400 },
  );
}

/** Told of every write of every stage, and whether it brought a newer result of an input that the stage follows. */
function everyStage(
  claim: (before: StageState, after: StageState, hasNewInput: boolean) => void,
): void {
  everyWrite((before, after) => {
    for (const stage of STAGES) {
      const input = STAGE_ROWS[stage].followsInput ? STAGE_INPUT[stage] : null;
      const hasNewInput = input !== null && before[input].done?.run !== after[input].done?.run;
      claim(before[stage], after[stage], hasNewInput);
    }
  });
}

/** Holds for every history, and is told of every write of every stage. */
function always(claim: (before: StageState, after: StageState, log: readonly Written[]) => void) {
  fc.assert(
    fc.property(scripts, (script) => {
      const log = history(script);
      for (const stage of STAGES)
        for (const [before, after] of pairs(log, stage)) claim(before, after, log);
    }),
    { numRuns: 400 },
  );
}

describe('two rivals writing one key by CAS', () => {
  it('never get two tokens accepted for one run, and the accepted one held the lock', () => {
    fc.assert(
      fc.property(scripts, fc.constantFrom(...STAGES), (script, stage) => {
        const log = history(script);
        const states = log.map(({ state }) => state.stages[stage]);
        const heldTokens = states.flatMap(({ lock }) =>
          lock.state === 'held' ? [lock.token] : [],
        );
        // Taken in: from free to committed in one write.
        for (const [before, after] of pairs(log, stage))
          if (before.lock.state === 'free' && after.lock.state === 'committed')
            heldTokens.push(after.lock.token);
        const accepted = states.flatMap(acceptedOf);
        expect(heldTokens).toEqual(expect.arrayContaining(accepted.map(({ token }) => token)));
        const tokensOfRuns = new Set(accepted.map(({ run, token }) => `${run} ${token}`));
        expect(tokensOfRuns.size).toBe(new Set(accepted.map(({ run }) => run)).size);
      }),
      { numRuns: 400 },
    );
  });

  it('never take a committed result back: the next thing that happens to it is its publication', () => {
    always(({ lock }, after) => {
      if (lock.state !== 'committed') return;
      const { run, token, manifest: files } = lock;
      if (after.lock.state === 'committed') expect(after.lock).toEqual(lock);
      else expect(after.done).toEqual({ run, token, manifest: files });
    });
  });

  it('never see `done` go back or change under its run, nor beyond what is wanted', () => {
    always((before, after) => {
      expect(doneRun(after)).toBeLessThanOrEqual(after.wanted);
      expect(doneRun(after)).toBeGreaterThanOrEqual(doneRun(before));
      const withoutAudio = ({ done }: StageState) =>
        done && { ...done, audio: undefined, purged: undefined };
      if (doneRun(after) === doneRun(before))
        expect(withoutAudio(after)).toEqual(withoutAudio(before));
      else expect(before.lock).toMatchObject({ state: 'committed', token: after.done?.token });
    });
  });

  it('leave out no run: what is held or committed is the run after the done one', () => {
    always((_, after) => {
      const lock = holding(after.lock);
      if (lock !== null) expect(lock.run).toBe(doneRun(after) + 1);
      if (lock !== null) expect(lock.run).toBeLessThanOrEqual(after.wanted);
    });
  });

  it('give tokens that rise, each below the revision that holds it and above all before', () => {
    fc.assert(
      fc.property(scripts, fc.constantFrom(...STAGES), (script, stage) => {
        const given = history(script).flatMap(({ revision, state }) => {
          const lock = holding(state.stages[stage].lock);
          return lock === null ? [] : [{ revision, token: lock.token }];
        });
        const tokens = given.map(({ token }) => token);
        expect(tokens).toEqual(tokens.toSorted((a, b) => a - b));
        for (const { revision, token } of given) expect(token).toBeLessThan(revision);
        const holders = pairs(history(script), stage).flatMap(([before, after]) =>
          before.lock.state === 'free' ? (holding(after.lock)?.token ?? []) : [],
        );
        expect(new Set(holders).size).toBe(holders.length);
      }),
      { numRuns: 400 },
    );
  });

  it('count a request id once, and nothing but a request, or newer input, changes what is wanted', () => {
    everyStage((before, after, hasNewInput) => {
      const added = after.requests.filter((id) => !before.requests.includes(id));
      expect(new Set(after.requests).size).toBe(after.requests.length);
      expect(after.wanted - before.wanted).toBeGreaterThanOrEqual(0);
      expect(after.wanted - before.wanted).toBeLessThanOrEqual(added.length + Number(hasNewInput));
    });
  });

  it('free what is dead by a new request or newer input only', () => {
    everyStage((before, after, hasNewInput) => {
      const isFreed = before.lock.state === 'dead' && after.lock.state !== 'dead';
      if (isFreed && !hasNewInput) expect(before.requests).not.toContain(after.requests.at(-1));
    });
  });

  it('never keep a run alive beyond its limits', () => {
    always((_, after) => {
      if (after.lock.state === 'dead') return;
      expect(after.lock.failures).toBeLessThan(limits.failuresMax);
      const { lostBy } = after.lock;
      expect(lostBy.length).toBeLessThan(LOSSES_ON_ONE_AGENT_MAX);
      if (isCanary(lostBy)) expect(lostBy.length).toBeLessThan(limits.lossesMax);
    });
  });

  it('lose no audio that a wanted run works on', () => {
    everyWrite((before, after) => {
      const [was, is] = [before.download.done, after.download.done];
      if (is?.audio === undefined || was?.token !== is.token || was.audio !== undefined) return;
      expect(is.audio).toBe('going');
      expect(isOpen(after.transcribe)).toBe(false);
    });
  });

  it('ask for audio that is gone with the run that needs it', () => {
    everyWrite((_, { download, transcribe }) => {
      if (download.done === null || hasResult(download) || download.lock.state === 'dead') return;
      if (isOpen(transcribe)) expect(isOpen(download)).toBe(true);
    });
  });

  it('bring no purged result back, and want each of them anew', () => {
    always((before, { done, wanted, lock }) => {
      const isSame = before.done?.token === done?.token;
      if (isSame && before.done?.purged === true) expect(done?.purged).toBe(true);
      if (done?.purged !== true) return;
      expect(wanted).toBeGreaterThan(done.run);
      expect(hasResult({ wanted, requests: [], lock, done })).toBe(false);
    });
  });

  it('purge nothing that is worked on', () => {
    everyWrite((before, after) => {
      for (const stage of STAGES) {
        if (!isPurged(before[stage], after[stage])) continue;
        expect(isOpen(after[stage])).toBe(true);
        const concerned = STAGES.filter((one) => one === stage || STAGE_INPUT[one] === stage);
        expect(concerned.filter((one) => holding(before[one].lock) !== null)).toEqual([]);
      }
    });
  });

  it('give no work on audio that is not there', () => {
    everyWrite((before, after) => {
      if (before.transcribe.lock.state !== 'free' || holding(after.transcribe.lock) === null)
        return;
      expect(hasResult(before.download)).toBe(true);
      expect(after.download.done?.audio).toBeUndefined();
    });
  });

  it('can always go on: from any state, assign, commit and publish end with every wanted run done', () => {
    fc.assert(
      fc.property(scripts, (script) => {
        const last = history(script).at(-1) ?? { state: fresh(), revision: 1 };
        const { stages } = workedOff(last, nonces[0], limits);
        const alive = STAGES.filter((stage) => stages[stage].lock.state !== 'dead');
        // A stage waits for ever for an input that is dead; `why` says so.
        const able = alive.filter((stage) => {
          const input = STAGE_INPUT[stage];
          return input === null || hasResult(stages[input]);
        });
        for (const stage of able) expect(doneRun(stages[stage])).toBe(stages[stage].wanted);
      }),
    );
  });

  it('were tried hard enough: every state, every end, both writers and several runs came up', () => {
    const met = new Set<string>();
    const note = ({ state }: Written) => {
      met.add(`writer ${state.nonce[0]}`);
      for (const stage of STAGES) {
        const { lock, done } = state.stages[stage];
        met.add(`${stage} ${lock.state}`).add(`${stage} run ${done?.run ?? 0}`);
        met.add(`audio ${done?.audio ?? 'there'}`).add(`${stage} purged ${done?.purged === true}`);
        if (lock.state === 'dead') met.add(lock.reason.split(':')[0] ?? '');
      }
    };
    for (const script of fc.sample(scripts, { numRuns: 1_000, seed: 1 }))
      history(script).forEach(note);
    const words = ['free', 'held', 'committed', 'dead'];
    const expected = [
      ...STAGES.flatMap((stage) => words.map((word) => `${stage} ${word}`)),
      ...MAIN_STAGES.flatMap((stage) => [`${stage} run 1`, `${stage} run 2`]),
      ...MAIN_STAGES.map((stage) => `${stage} purged true`),
      ...['audio going', 'audio gone', 'writer a', 'writer b', 'kills agents', 'no'],
    ];
    expect(expected.filter((word) => !met.has(word))).toEqual([]);
  });
});

/** The runs accepted by what a stage says: committed, or done. */
function acceptedOf({ lock, done }: StageState): { run: number; token: number }[] {
  return [...(lock.state === 'committed' ? [lock] : []), ...(done === null ? [] : [done])];
}
