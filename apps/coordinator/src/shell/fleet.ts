import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { FleetEvent } from '../core/event.ts';
import type { JobHistory } from '../core/job-history.ts';
import type { Picture } from '../core/view.ts';
import type { LogSource } from './agent-logs.ts';
import type { Orders } from './orders.ts';

/** What the API and the metrics may ask of the rest of the coordinator. */
export interface Fleet {
  /** The whole picture as of now. Read it and let it go: it is not a copy. */
  picture(): Picture;
  info(): FleetInfo;
  /** Calls back after something changed, at once or a little later; many changes may come as one call. */
  onChange(listener: () => void): () => void;
  readonly events: EventSource;
  /** What agents' logs say, as far as it is kept here. */
  readonly logs: LogSource;
  /** Attempts that ended lately. */
  readonly jobs: Pick<JobHistory, 'ended'>;
  readonly library: Library;
  /** Whether the whole state is in the picture; before, it holds a part. */
  isLoaded(): boolean;
  /** The value of a key as it is; null when there is none. Rejects with KvUnavailable. */
  value(bucket: 'state' | 'meta', key: string): Promise<string | null>;
  /** Null when nothing is known beside the state. */
  meta(feed: FeedId, episode: EpisodeId): Promise<EpisodeMeta | null>;
  /** The accepted files of the newest done run; empty when none is done. */
  acceptedFiles(feed: FeedId, episode: EpisodeId, stage: Stage): Promise<readonly AcceptedFile[]>;
  /** What people ask to be changed: here or, passed on, by the leader. */
  readonly orders: Orders;
}

export interface FleetInfo {
  readonly version: string;
  /** Where `/metrics` is, host:port as it listens; absent or empty where it is not known. */
  readonly metricsAddress?: string;
  readonly coordinator: string;
  readonly leading: boolean;
  /** 0 when nobody leads. */
  readonly epoch: number;
  readonly cluster: string;
  /** Empty when not connected. */
  readonly natsVersion: string;
  /** Results refused since this coordinator started. */
  readonly fencedResults: number;
  /** Writes that failed or got no answer since this coordinator started, by bucket. */
  readonly failedWrites: {
    readonly state: number;
    readonly meta: number;
    readonly lead: number;
  };
  /** How long ago NATS was last heard with the state. */
  readonly stateAgeMs: number;
  /** What is wrong with the fleet as a whole; empty when nothing is. */
  readonly problem: string;
}

export interface AcceptedFile {
  readonly path: string;
  /** Its name in the readable view. */
  readonly readablePath: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A numbered event, with the episode's title where one is concerned. */
export interface LoggedEvent extends FleetEvent {
  readonly sequence: number;
  /** Of the change of the state that tells it; null: this coordinator saw it beside the state. */
  readonly revision: number | null;
  readonly atMs: number;
  readonly title: string;
  /** Under which it was stored before this coordinator's time; absent: it follows from the rest (event-record.ts). */
  readonly id?: string;
}

export interface EventSource {
  /** The newest ones after a sequence, oldest first, at most `limit`. */
  after(sequence: number, limit: number): readonly LoggedEvent[];
  /** The newest sequence; 0 before the first. */
  newest(): number;
}
