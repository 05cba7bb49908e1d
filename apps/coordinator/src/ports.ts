import type { PollCame } from '@podctl/domain/feed/polling.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { FleetEvent } from './core/event.ts';
import type { PutOut } from './shell/access.ts';
import type { Logger } from './shell/logger.ts';
import type { Rejected } from './shell/planner.ts';

/** What a coordinator touches. All of it can be a twin. */
export interface CoordinatorPorts {
  readonly clock: Clock;
  readonly bus: Bus;
  readonly state: Kv;
  readonly meta: Kv;
  readonly lead: Kv;
  readonly library: Library;
  readonly log: Logger;
  /** Where the leader stores what happened; absent: events end with the process. */
  readonly eventStream?: EventStream;
  /** Agents that were put out; absent where nobody is asked who they are. */
  readonly putOut?: PutOut;
  /** Whether messages can reach us now. */
  connected(): boolean;
  natsVersion(): string;
  randomBytes(count: number): Uint8Array;
  random(): number;
  planned(seconds: number, entries: number, rejected: Rejected): void;
  polled(seconds: number, came: PollCame | null): void;
  /** Told of what happens, for what is counted. */
  happened(events: readonly FleetEvent[]): void;
  /** Told how many events were stored, and how many could not be before they had to go. */
  recorded?(stored: number, dropped: number): void;
}
