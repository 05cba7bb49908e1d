import { type Move, move } from '@podctl/domain/episode-move.ts';
import {
  FRESH_LOCK,
  type Lock,
  type StageState,
  UNTOLD_STAGE,
} from '@podctl/domain/episode-state.ts';
import type { ClusterId, Nonce } from '@podctl/domain/ids.ts';
import type { RetryLimits } from '@podctl/domain/retry.ts';
import { byStage, STAGES } from '@podctl/domain/stage.ts';
import type { FaultName } from './faults.ts';
import {
  type AgentParts,
  agentAt,
  type BackupParts,
  MODE,
  type Operation,
  type OperationParts,
  RECORD,
  type StageIndex,
  type State,
  stageOf,
  type TokenParts,
  tokenAt,
  type Value,
  type ValueParts,
} from './state.ts';
import { Table } from './table.ts';
import type { World } from './worlds.ts';

/** Two is the least that can be miscounted. There is no clock, so nothing waits. */
export const LIMITS: RetryLimits = {
  failuresMax: 2,
  lossesMax: 2,
  backoffFirstMs: 0,
  backoffMaxMs: 0,
};
export const CLUSTERS: readonly ClusterId[] = [
  'aaaaaaaaaaaaaaaa' as ClusterId,
  'bbbbbbbbbbbbbbbb' as ClusterId,
];
export const NONCE = 'cccccccccccccccc' as Nonce;

const IDLE: OperationParts = {
  kind: 'idle',
  token: -1,
  stage: 0,
  agent: 0,
  session: 0,
  end: 0,
  base: 0,
};
const NO_BACKUP: BackupParts = { taken: false, value: null, agents: [], tokens: [], next: 0 };
const OPERATION_KINDS = [
  'idle',
  'request',
  'assign',
  'settle',
  'publish',
  'sweep',
  'sweep-all',
  'show',
] as const;
/** A write to the key ends these when they are late: their CAS fails. */
const CAS_KINDS: ReadonlySet<OperationParts['kind']> = new Set([
  'request',
  'assign',
  'settle',
  'publish',
]);
/** Faults that write without CAS: these of their operations outlive a write. */
const WITHOUT_CAS: { readonly [F in FaultName]?: OperationParts['kind'] } = {
  'commit-not-cas': 'settle',
  'create-over-marker': 'assign',
  'done-overwrites-wanted': 'publish',
};

/** The parts of states, each kept once, and the ways to make the next state from one. A planted fault is a property of it. */
export class Model {
  readonly world: World;
  readonly fault: FaultName | null;
  readonly #values = new Table<string, ValueParts>(valueKey);
  readonly #tokens = new Table<number, TokenParts>(tokenKey);
  readonly #agents = new Table<number, AgentParts>(agentKey);
  readonly #operations = new Table<number, OperationParts>(operationKey);
  readonly #backups = new Table<string, BackupParts>(backupKey);
  readonly #moves = new Map<string, Value | null>();
  readonly idle: Operation;

  constructor(world: World, fault: FaultName | null = null) {
    this.world = world;
    this.fault = fault;
    this.idle = this.#operations.intern(IDLE);
  }

  first(): State {
    const stage: StageState = { wanted: 0, requests: [], lock: FRESH_LOCK, done: null };
    const cluster = clusterOf(0);
    const episode = {
      ...{ cluster, nonce: NONCE },
      stages: { ...byStage(() => UNTOLD_STAGE), download: stage, transcribe: stage },
    };
    const agent = this.agent({
      record: RECORD.live,
      recordSession: 1,
      recordWorld: 0,
      recordIsMine: true,
      mode: MODE.up,
      session: 1,
      world: 0,
      task: -1,
      disk: 0,
      zombie: -1,
    });
    const { crashes, spurious, failures } = this.world;
    const empty = this.#values.intern({ episode, lockOf: [-1, -1], doneOf: [-1, -1] });
    return {
      value: empty,
      tokens: [],
      agents: Array.from({ length: this.world.agents }, () => agent),
      pending: [this.idle, this.idle],
      late: this.idle,
      world: 0,
      next: 1,
      backup: this.#backups.intern(NO_BACKUP),
      issued: 0,
      budget: { crashes, spurious, failures },
      view: -1,
      scratch: 0,
    };
  }

  value(parts: ValueParts): Value {
    return this.#values.intern(parts);
  }

  token(parts: TokenParts) {
    return this.#tokens.intern(parts);
  }

  agent(parts: AgentParts) {
    return this.#agents.intern(parts);
  }

  operation(parts: Partial<OperationParts>): Operation {
    return this.#operations.intern({ ...IDLE, ...parts });
  }

  backup(parts: BackupParts) {
    return this.#backups.intern(parts);
  }

  /** The product's own legal move, what it says with a clock or in words taken out; null where it is not legal. */
  moved(value: Value, stage: StageIndex, step: Move, lockOf: number, doneOf: number): Value | null {
    const key = `${value.id} ${stage} ${lockOf} ${doneOf} ${JSON.stringify(step)}`;
    const known = this.#moves.get(key);
    if (known !== undefined) return known;
    const after = move(value.episode, STAGES[stage], step, NONCE, LIMITS);
    const made = after.ok
      ? this.#values.intern({
          episode: {
            ...after.value,
            stages: byStage((name) => timeless(after.value.stages[name])),
          },
          lockOf: replaced(value.lockOf, stage, lockOf),
          doneOf: replaced(value.doneOf, stage, doneOf),
        })
      : null;
    this.#moves.set(key, made);
    return made;
  }

  /** A value that no legal move makes: planted faults alone write such. */
  forced(
    value: Value,
    stage: StageIndex,
    change: Partial<StageState>,
    lockOf: number,
    doneOf: number,
  ): Value {
    const changed = timeless({ ...stageOf(value, stage), ...change });
    return this.#values.intern({
      episode: {
        ...value.episode,
        stages: { ...value.episode.stages, [STAGES[stage]]: changed },
      },
      lockOf: replaced(value.lockOf, stage, lockOf),
      doneOf: replaced(value.doneOf, stage, doneOf),
    });
  }

  /** The key is written: every other CAS at the revision before has lost. */
  written(state: State, value: Value): State {
    return {
      ...state,
      value,
      pending: this.sorted(
        this.#afterWrite(state.pending[0], value),
        this.#afterWrite(state.pending[1], value),
      ),
      late: this.#hasCas(state.late) ? this.idle : state.late,
    };
  }

  /** An assignment is given up. The others read again, and go on while their token holds the lock (see writes.ts). */
  #afterWrite(operation: Operation, value: Value): Operation {
    const { kind, stage, token } = operation;
    if (!this.#hasCas(operation)) return operation;
    const wanted = kind === 'publish' ? 'committed' : 'held';
    const isOfHolder = value.lockOf[stage] === token && stageOf(value, stage).lock.state === wanted;
    return kind !== 'assign' && isOfHolder ? operation : this.idle;
  }

  #hasCas({ kind }: Operation): boolean {
    return CAS_KINDS.has(kind) && (this.fault === null || WITHOUT_CAS[this.fault] !== kind);
  }

  sorted(a: Operation, b: Operation): readonly [Operation, Operation] {
    return a.id <= b.id ? [a, b] : [b, a];
  }

  isCas(operation: Operation): boolean {
    return CAS_KINDS.has(operation.kind);
  }

  withToken(state: State, index: number, change: Partial<TokenParts>): State {
    const tokens = state.tokens.slice();
    tokens[index] = this.token({ ...tokenAt(state, index), ...change });
    return { ...state, tokens };
  }

  withAgent(state: State, index: number, change: Partial<AgentParts>): State {
    const agents = state.agents.slice();
    agents[index] = this.agent({ ...agentAt(state, index), ...change });
    return { ...state, agents };
  }

  /** A coordinator that is idle takes this up; null when both are busy. */
  taken(state: State, parts: Partial<OperationParts>): State | null {
    const [a, b] = state.pending;
    const operation = this.operation(parts);
    if (a === this.idle) return { ...state, pending: this.sorted(operation, b) };
    return b === this.idle ? { ...state, pending: this.sorted(a, operation) } : null;
  }

  /** Two states are one when their names are. */
  name(state: State): string {
    const { budget, pending, backup } = state;
    return String.fromCharCode(
      state.value.id,
      pending[0].id,
      pending[1].id,
      state.late.id,
      backup.id,
      budget.crashes | (budget.spurious << 3) | (budget.failures << 6) | (state.world << 9),
      state.issued | (state.next << 5) | ((state.view + 1) << 9),
      state.scratch,
      ...state.agents.map(idOf),
      ...state.tokens.map(idOf),
    );
  }
}

export function clusterOf(world: number): ClusterId {
  const cluster = CLUSTERS[world];
  if (cluster === undefined) throw new Error(`the model has no world ${world}`);
  return cluster;
}

function idOf({ id }: { readonly id: number }): number {
  return id;
}

function replaced(
  pair: readonly [number, number],
  stage: StageIndex,
  item: number,
): readonly [number, number] {
  return stage === 0 ? [item, pair[1]] : [pair[0], item];
}

/** Times and reasons are for show: what is decided never depends on them. */
function timeless(stage: StageState): StageState {
  const { lock } = stage;
  switch (lock.state) {
    case 'free':
      return { ...stage, lock: { ...lock, notBeforeMs: 0, reason: null } satisfies Lock };
    case 'dead':
      return { ...stage, lock: { ...lock, reason: '' } satisfies Lock };
    case 'held':
    case 'committed':
      return stage;
  }
}

function valueKey({ episode, lockOf, doneOf }: ValueParts): string {
  return JSON.stringify([episode, lockOf, doneOf]);
}

/** Bits of a name: 3 for sessions and numbers, 2 for runs, so that it stays a small integer. */
function tokenKey(token: TokenParts): number {
  fits(token.run, 3);
  fits(token.session, 7);
  fits(token.number, 7);
  return (
    token.stage |
    (token.run << 1) |
    (token.agent << 3) |
    (token.session << 4) |
    (token.world << 7) |
    (token.number << 8) |
    (token.staged << 11) |
    (token.named << 13) |
    (Number(token.checkpoint) << 15) |
    (Number(token.mixed) << 16) |
    (Number(token.begun) << 17) |
    (Number(token.failed) << 18) |
    (token.asked << 19) |
    (token.answers << 21) |
    (Number(token.accepted) << 25) |
    (token.end << 26)
  );
}

function agentKey(agent: AgentParts): number {
  fits(agent.recordSession, 7);
  fits(agent.disk, 255);
  fits(agent.task + 1, 15);
  return (
    agent.record |
    (agent.recordSession << 2) |
    (agent.recordWorld << 5) |
    (Number(agent.recordIsMine) << 6) |
    (agent.mode << 7) |
    (agent.session << 9) |
    (agent.world << 12) |
    ((agent.task + 1) << 13) |
    ((agent.zombie + 1) << 17) |
    (agent.disk << 21)
  );
}

/** Nothing is cut off in silence: states that differ would be taken for one. */
function fits(item: number, max: number): void {
  if (item > max)
    throw new Error(
      `the model keeps room for ${max} where it counts ${item}: choose a smaller world`,
    );
}

function operationKey(operation: OperationParts): number {
  const { kind, token, stage, agent, session, end, base } = operation;
  fits(token + 1, 15);
  fits(base, 4_095);
  const what = OPERATION_KINDS.indexOf(kind) | ((token + 1) << 3) | (stage << 7) | (agent << 8);
  return what | (session << 9) | (end << 12) | (base << 15);
}

function backupKey({ taken, value, agents, tokens, next }: BackupParts): string {
  return JSON.stringify([taken, value?.id, agents.map(idOf), tokens.map(idOf), next]);
}
