import type { EpisodeState, StageState } from '@podctl/domain/episode-state.ts';
import type { Interned } from './table.ts';

/**
 * One state of the modelled system: the episode's key, the agents' session keys, the library, the network and the disks.
 *
 * Folded into few states, without losing behaviours:
 *   A CAS that wins at revision R proves that nothing was written since R was read. So no revision is kept: every write
 *   to the key ends an assignment that was planned before it. Commit, revocation and done read again and go on, if the
 *   token still holds the lock, by what they had seen in the library before.
 *   A timed-out write is an operation in the `late` slot: it lands later, if nothing was written in between, or never.
 *   Messages are never removed: each may arrive at any later time, any number of times, or never.
 *   Anybody may act as leader at any time: two equal slots. A coordinator's crash is an operation that is dropped.
 *   There is no clock: any session may fall silent (a live one within a budget), and the sweeper's hour is nothing.
 */
export interface State {
  readonly value: Value;
  readonly tokens: readonly TokenRecord[];
  readonly agents: readonly AgentRecord[];
  /** What the two coordinators are about to do. Sorted: they are equal. */
  readonly pending: readonly [Operation, Operation];
  readonly late: Operation;
  /** Which cluster.id there is: 0, and 1 after a restore. */
  readonly world: number;
  /** Number of the next token. Real ones are revisions: they rise in this order too. */
  readonly next: number;
  readonly backup: Backup;
  /** A bit for each request that a client has sent. */
  readonly issued: number;
  readonly budget: Budget;
  /** The token whose file the readable name shows; -1 for none. */
  readonly view: number;
  /** Used by planted faults alone. */
  readonly scratch: number;
}

/** What the world may still throw at the protocol. */
export interface Budget {
  readonly crashes: number;
  readonly spurious: number;
  readonly failures: number;
}

/** The value of the episode's key, in the product's own form, and beside it which token each number really names. */
export interface ValueParts {
  readonly episode: EpisodeState;
  readonly lockOf: readonly [number, number];
  readonly doneOf: readonly [number, number];
}
export type Value = ValueParts & Interned;

/** 0 download, 1 transcribe. */
export type StageIndex = 0 | 1;

export const FILES = { none: 0, part: 1, full: 2 } as const;
export const ANSWER = { accepted: 1, fenced: 2, over: 4, noted: 8 } as const;
/** How an attempt ended. `released`: by hand. `forgiven`: somebody asked again since, or a restore forgot it. */
export const END = {
  open: 0,
  accepted: 1,
  lost: 2,
  failed: 3,
  returned: 4,
  forgiven: 5,
  released: 6,
} as const;
/** Who asks: the session that held the lock, or a later one of the same agent. */
export const ASKED = { holder: 1, later: 2 } as const;

/** All about one fencing token: its assignment, its files, its messages, and its history. */
export interface TokenParts {
  readonly stage: StageIndex;
  readonly run: number;
  readonly agent: number;
  readonly session: number;
  readonly world: number;
  /** What stands in the value: unique within a world only. */
  readonly number: number;
  /** staging/<cluster>/<job>/<number>/, one of FILES. */
  readonly staged: number;
  /** <episode>/<stage>/r<run>-…/, one of FILES. */
  readonly named: number;
  /** A checkpoint lies in its staging folder. */
  readonly checkpoint: boolean;
  /** It resumed from what another run, or another world, had left. */
  readonly mixed: boolean;
  readonly begun: boolean;
  /** Its outcome is a failure. */
  readonly failed: boolean;
  /** Bits of ASKED: questions in the network. */
  readonly asked: number;
  /** Bits of ANSWER: history. */
  readonly answers: number;
  /** History: it was committed in some revision. */
  readonly accepted: boolean;
  /** History: one of END. */
  readonly end: number;
}
export type TokenRecord = TokenParts & Interned;

export const RECORD = { live: 0, lost: 1, gone: 2 } as const;
export const MODE = { down: 0, up: 1, leaving: 2 } as const;

/** An agent: the record of its session in the bucket, its process, its disk. */
export interface AgentParts {
  /** One of RECORD. */
  readonly record: number;
  readonly recordSession: number;
  readonly recordWorld: number;
  /** The record has the boot id of the process that runs now. */
  readonly recordIsMine: boolean;
  /** One of MODE. */
  readonly mode: number;
  /** The session that the process believes in; 0 while it greets. */
  readonly session: number;
  readonly world: number;
  /** The token it works on; -1 for none. */
  readonly task: number;
  /** A bit for each ended token that is not settled. */
  readonly disk: number;
  /** The token that an older process still works on; -1 for none. */
  readonly zombie: number;
}
export type AgentRecord = AgentParts & Interned;

export type OperationKind =
  | 'idle'
  | 'request'
  | 'assign'
  | 'settle'
  | 'publish'
  | 'sweep'
  | 'sweep-all'
  | 'show';

/** What a coordinator decided from what it read, and has not done yet. */
export interface OperationParts {
  readonly kind: OperationKind;
  /** Its token; of a request its number; -1 where there is none. */
  readonly token: number;
  readonly stage: StageIndex;
  readonly agent: number;
  readonly session: number;
  /** For `settle`: END.accepted commits, all others revoke. For `sweep`: 1 when a checkpoint was listed. */
  readonly end: number;
  /** The value it read; used by planted faults. */
  readonly base: number;
}
export type Operation = OperationParts & Interned;

export interface BackupParts {
  readonly taken: boolean;
  readonly value: Value | null;
  readonly agents: readonly AgentRecord[];
  readonly tokens: readonly TokenRecord[];
  readonly next: number;
}
export type Backup = BackupParts & Interned;

export function stageOf(value: ValueParts, stage: StageIndex): StageState {
  return stage === 0 ? value.episode.stages.download : value.episode.stages.transcribe;
}

export function tokenAt(state: State, index: number): TokenRecord {
  const token = state.tokens[index];
  if (token === undefined) throw new Error(`the model names token ${index}, which there is not`);
  return token;
}

export function agentAt(state: State, index: number): AgentRecord {
  const agent = state.agents[index];
  if (agent === undefined) throw new Error(`the model names agent ${index}, which there is not`);
  return agent;
}

/** The token is what the key names: it holds the lock, or readers follow the pointer to it. */
export function isNamed(state: State, index: number): boolean {
  const { stage } = tokenAt(state, index);
  return state.value.lockOf[stage] === index || state.value.doneOf[stage] === index;
}

/** The run that is being done, or is done next. */
export function currentRun(value: ValueParts, stage: StageIndex): number {
  return (stageOf(value, stage).done?.run ?? 0) + 1;
}
