import type { Result } from '@podctl/domain/result.ts';

/** How this machine is let into the fleet. Everything it writes lies in the state folder, under the names of `files`. */
export interface Enrolment {
  /** Whether a credential is here that still counts. Changes nothing and asks nobody. Rejects with CommandError when it cannot be read. */
  look(): Promise<EnrolmentState>;
  /** Asks the fleet whether it has put this machine out; one out of reach says nothing. Rejects with the signal's reason. */
  refused(signal: AbortSignal): Promise<boolean>;
  /** What a join text says, which is not used up by it; else one clause about what is wrong, without any of the text. */
  read(joinText: string): Result<JoinFacts, string>;
  /** Trades the join text for a credential; again does no harm. Rejects with CommandError: what was seen, and the next step. */
  enrol(
    request: EnrolRequest,
    news: { readonly signal: AbortSignal; readonly told: (line: string) => void },
  ): Promise<void>;
  /** How this machine says that it leaves, good also when its credential is removed; null when it has none. */
  leaver(): Promise<Leaver | null>;
  /** Names in the state folder. */
  readonly files: readonly string[];
}

export interface Leaver {
  readonly agentId: string;
  /** Gives null when the fleet has put the agent out, else one clause why it may not have. */
  readonly leave: (signal: AbortSignal) => Promise<string | null>;
}

export interface JoinFacts {
  /** Where the fleet is, as URLs. */
  readonly addresses: readonly string[];
  /** Which one it is, whatever its addresses. */
  readonly fleet: string;
}

export interface EnrolRequest {
  readonly joinText: string;
  readonly agentId: string;
}

export type EnrolmentState =
  | {
      readonly state: 'enrolled';
      readonly agentId: string;
      readonly fleet: string;
      /** URLs of the coordinators, else of NATS. */
      readonly addresses: readonly string[];
      /** Null: it does not expire. */
      readonly expiresAtMs: number | null;
    }
  | { readonly state: 'absent'; readonly why: string };

/** One program run to its end. */
export type RunProgram = (
  argv: readonly string[],
  options: {
    readonly timeoutMs: number;
    readonly env?: NodeJS.ProcessEnv;
    /** Of what it may say; 256 KiB when left out. What comes after is cut off. */
    readonly outputBytesMax?: number;
  },
) => Promise<ProgramEnd>;

export type ProgramEnd =
  | {
      readonly kind: 'ended';
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    }
  /** There is no such program. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'late' };

/** The machine's GPUs, as far as installing must know them. */
export interface GpuPort {
  look(): Promise<GpuSeen>;
  /** Of each GPU; null when none tells. */
  memoryUsedMib(): Promise<readonly number[] | null>;
}

export type GpuSeen =
  | { readonly kind: 'gpus'; readonly names: readonly string[] }
  /** Without a GPU of a known kind. */
  | { readonly kind: 'none'; readonly why: string }
  /** There is a driver, and it does not work. */
  | { readonly kind: 'broken'; readonly why: string };

/** What the agent's own `/readyz?verbose` says. */
export type Readiness =
  | { readonly kind: 'unreachable'; readonly why: string }
  | {
      readonly kind: 'answered';
      readonly ready: boolean;
      readonly welcomed: boolean;
      readonly lines: readonly string[];
    };
