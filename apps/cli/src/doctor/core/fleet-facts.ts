import type { TlsFailure } from '../../tls-failure.ts';
import type { Seen } from './check.ts';

/** What this podctl is, and whom it would talk to. */
export interface ClientFacts {
  readonly podctlVersion: string;
  readonly nodeVersion: string;
  readonly endpoint: Seen<ChosenEndpoint>;
  /** False on a machine that only has an agent: nobody need talk to the fleet from there. */
  readonly isEndpointNeeded: boolean;
}

export interface ChosenEndpoint {
  readonly addresses: readonly string[];
  /** In words. */
  readonly origin: string;
  readonly hasCa: boolean;
  readonly hasToken: boolean;
}

/** What was seen of the fleet; null where no coordinator is known. */
export interface FleetFacts {
  readonly nowMs: number;
  readonly addresses: readonly AddressFacts[];
  /** Null: not asked, since no address was good. So with the others. */
  readonly identity: Seen<Identity> | null;
  readonly server: Seen<ServerFacts> | null;
  readonly problem: Seen<string> | null;
  readonly agents: Seen<readonly AgentFacts[]> | null;
  readonly diagnosis: Seen<DiagnosisFacts> | null;
  readonly sync: SyncFacts;
}

export interface AddressFacts {
  readonly address: string;
  readonly isLoopback: boolean;
  readonly tcp: Seen<{ readonly tookMs: number }>;
  readonly tls: TlsFacts;
}

export type TlsFacts =
  /** Nothing listens, so nothing could be asked. */
  | { readonly kind: 'unasked' }
  /** No CA is named: nothing is encrypted. */
  | { readonly kind: 'plain' }
  | {
      readonly kind: 'trusted';
      readonly protocol: string;
      readonly expiresMs: number;
      readonly caExpiresMs: number;
    }
  | { readonly kind: 'refused'; readonly failure: TlsFailure | null; readonly why: string };

export type Identity =
  /** `name`: empty where nobody is asked for a token. */
  | { readonly kind: 'known'; readonly name: string; readonly role: string }
  /** No token, or one that does not count. */
  | { readonly kind: 'refused'; readonly why: string; readonly fix: string | null };

export interface ServerFacts {
  readonly id: string;
  readonly address: string;
  readonly version: string;
  readonly leading: boolean;
  /** 0 when nobody leads. */
  readonly epoch: number;
  readonly clock: ClockFacts;
}

/** Another clock, read at some moment between the two of ours; epoch ms. */
export interface ClockFacts {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
  /** Null: it does not tell. */
  readonly otherMs: number | null;
  /** The other clock's step: an HTTP date has whole seconds. */
  readonly stepMs: number;
}

export interface AgentFacts {
  readonly id: string;
  readonly live: boolean;
  readonly version: string;
  /** Empty when there is none. */
  readonly problem: string;
}

export interface DiagnosisFacts {
  readonly nats: {
    readonly connected: boolean;
    readonly serverName: string;
    readonly version: string;
    readonly cluster: string;
    readonly jetstream: boolean;
    readonly problem: string;
    readonly clockAheadMs: number | null;
    readonly buckets: readonly BucketFacts[];
  };
  readonly disks: readonly DiskFacts[];
}

export interface BucketFacts {
  readonly name: string;
  readonly replicasWanted: number;
  readonly replicas: number;
  readonly replicasCurrent: number;
  readonly lag: number;
  readonly bytes: number;
  readonly messages: number;
  readonly problem: string;
}

export interface DiskFacts {
  readonly purpose: string;
  readonly freeBytes: number;
  readonly floorBytes: number;
  readonly problem: string;
}

/** Whether NATS syncs each write: the client protocol does not tell. */
export type SyncFacts =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unseen'; readonly where: string; readonly why: string }
  /** `interval`: as its configuration has it; null where that says nothing of it. */
  | {
      readonly kind: 'told';
      readonly where: string;
      readonly always: boolean;
      readonly interval: string | null;
    };
