import type { GpuSeen, Readiness } from '../../install/ports.ts';
import type { Seen } from './check.ts';
import type { ClockFacts } from './fleet-facts.ts';
import type { CudaFacts } from './gpu-facts.ts';

/** What was seen of the agent of this machine. */
export interface MachineFacts {
  readonly nowMs: number;
  readonly place: AgentPlaceFacts;
  readonly readiness: Readiness;
  /** systemd's words; null where no unit is installed. */
  readonly service: { readonly active: string; readonly enabled: string } | null;
  readonly disks: readonly AgentDiskFacts[];
  readonly python: PythonFacts;
  /** Null: not asked, since there is no Python environment. */
  readonly engine: Seen<EngineFacts> | null;
  readonly model: Seen<ModelFacts> | null;
  /** What `agent.engine` names besides faster-whisper; null: nothing. */
  readonly otherEngine: OtherEngineFacts | null;
  readonly gpu: GpuSeen;
  /** Null: not asked. */
  readonly cuda: CudaFacts | null;
  /** transcribe.device */
  readonly device: 'auto' | 'cpu' | 'cuda';
  readonly credential: CredentialFacts;
  /** Null: not asked, since there is no credential. */
  readonly nats: Seen<{ readonly server: string; readonly version: string }> | null;
  /** Of each URL of the credential. */
  readonly bytes: readonly ByteListenerFacts[];
}

/** `up`: an agent of "podctl up" here, which gives it NATS and the library. `run`: of "podctl agent run". */
export interface AgentPlaceFacts {
  readonly kind: 'service' | 'foreground' | 'up' | 'run';
  readonly stateDir: string;
  /** Where it was asked for its health; empty where that is not known. */
  readonly listen: string;
}

export interface AgentDiskFacts {
  readonly path: string;
  readonly freeBytes: number | null;
}

export interface PythonFacts {
  readonly root: string;
  /** The environment that was made of the locked requirements; null: there is none. */
  readonly folder: string | null;
  /** Environments of other requirements, or unfinished ones. */
  readonly others: number;
}

export interface EngineFacts {
  readonly python: string;
  readonly fasterWhisper: string;
  readonly ctranslate2: string;
  /** GPUs that it can work on; null: it cannot tell. */
  readonly cudaDevices: number | null;
}

export type OtherEngineFacts =
  | {
      readonly kind: 'command';
      readonly program: string;
      /** Where it was found; null: nowhere. */
      readonly path: string | null;
    }
  | {
      readonly kind: 'openai';
      readonly url: string;
      readonly answer: Seen<{ readonly status: number }>;
      /** Null: none is named. `mode`: permission bits; null: it cannot be read, or holds no token. */
      readonly tokenFile: { readonly path: string; readonly mode: number | null } | null;
    };

export interface ModelFacts {
  readonly name: string;
  readonly path: string;
  /** `cache` or `fallback` */
  readonly origin: string;
  readonly sha256: string;
  /** As its source names it; null where none does. */
  readonly sha256Expected: string | null;
}

export type CredentialFacts =
  | { readonly kind: 'absent'; readonly path: string }
  /** One sentence with what to do. */
  | { readonly kind: 'broken'; readonly sentence: string }
  | {
      readonly kind: 'there';
      readonly path: string;
      readonly agent: string;
      readonly issuedMs: number;
      readonly expiresMs: number;
      /** Permission bits. */
      readonly mode: number;
    };

export interface ByteListenerFacts {
  readonly url: string;
  readonly seen: Seen<ClockFacts>;
}
