import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { FleetEvent } from '../core/event.ts';
import type { Picture } from '../core/view.ts';

/** What the API and the metrics may ask of the rest of the coordinator. */
export interface Fleet {
  /** The whole picture as of now. Read it and let it go: it is not a copy. */
  picture(): Picture;
  info(): FleetInfo;
  /** Calls back after something changed, at once or a little later; many changes may come as one call. */
  onChange(listener: () => void): () => void;
  readonly events: EventSource;
  readonly library: Library;
  /** Null when nothing is known beside the state. */
  meta(feed: FeedId, episode: EpisodeId): Promise<EpisodeMeta | null>;
  /** The accepted files of the newest done run; empty when none is done. */
  acceptedFiles(feed: FeedId, episode: EpisodeId, stage: Stage): Promise<readonly AcceptedFile[]>;
  addFeeds(feeds: readonly FeedToAdd[]): Promise<readonly AddedFeed[]>;
}

export interface FleetInfo {
  readonly version: string;
  readonly coordinator: string;
  readonly leading: boolean;
  /** 0 when nobody leads. */
  readonly epoch: number;
  readonly cluster: string;
  /** Empty when not connected. */
  readonly natsVersion: string;
  /** Results refused since this coordinator started. */
  readonly fencedResults: number;
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

export interface FeedToAdd {
  readonly url: string;
  readonly title: string | null;
  readonly bookScore: number | null;
  /** Null lets the coordinator derive one. */
  readonly id: string | null;
}

export type AddedFeed =
  | {
      readonly kind: 'added' | 'known' | 'moved';
      readonly feed: FeedId;
      readonly url: string;
      readonly revision: number;
    }
  | { readonly kind: 'refused'; readonly url: string; readonly problem: string };

/** A numbered event, with the episode's title where one is concerned. */
export interface LoggedEvent extends FleetEvent {
  readonly sequence: number;
  readonly atMs: number;
  readonly title: string;
}

export interface EventSource {
  /** The newest ones after a sequence, oldest first, at most `limit`. */
  after(sequence: number, limit: number): readonly LoggedEvent[];
  /** The newest sequence; 0 before the first. */
  newest(): number;
}

/** A write was asked of a coordinator that does not lead. */
export class NotLeading extends Error {
  constructor() {
    super('this coordinator does not lead now: try again in a few seconds');
    this.name = 'NotLeading';
  }
}
