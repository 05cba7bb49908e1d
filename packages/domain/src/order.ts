import type { CordonState, CordonWish } from './cordon.ts';
import type { EpisodeFilter } from './feed/episode-filter.ts';
import type { FeedChange } from './feed-change.ts';
import type { FeedLabels } from './feed-choices.ts';
import type { FeedPurge } from './feed-purge.ts';
import type { AgentId, EpisodeId, FeedId, Token } from './ids.ts';
import type { KeepAudio } from './keep-audio.ts';
import type { Stage } from './stage.ts';

/** What a person asks the fleet to change. Any coordinator takes it; the leader carries it out. Each may come twice. */
export type Order =
  | {
      readonly kind: 'add_feeds';
      readonly feeds: readonly FeedToAdd[];
      /** Nothing is written: the answer says what would be. */
      readonly dryRun?: boolean | undefined;
    }
  | {
      readonly kind: 'change_feed';
      readonly feed: FeedId;
      readonly change: FeedChange;
      readonly dryRun: boolean;
    }
  /** What is dead is wanted after all, what waits for its next attempt gets it at once. */
  | {
      readonly kind: 'retry_jobs';
      readonly request: string;
      readonly jobs: readonly JobName[];
      /** For these runs alone; absent: as for every other. */
      readonly model?: string | undefined;
    }
  /** Nobody wants what is left of it. */
  | { readonly kind: 'skip_episode'; readonly episode: EpisodeToSkip }
  | { readonly kind: 'release_lock'; readonly lock: LockToRelease }
  | { readonly kind: 'set_cordon'; readonly agent: AgentId; readonly wish: CordonWish }
  /** `by`: who asks, for the history. */
  | { readonly kind: 'cancel_job'; readonly job: LockToRelease; readonly by: string }
  | {
      readonly kind: 'repeat_runs';
      readonly request: string;
      readonly runs: readonly RunToRepeat[];
      /** For these runs alone; absent: as for every other. */
      readonly model?: string | undefined;
    }
  /** Its files lie complete in staging, put there by no agent. */
  | { readonly kind: 'adopt_result'; readonly result: LockToRelease };

/** A run that is done, and is to be done once more: only while it is the newest that was asked for. */
export interface RunToRepeat {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number;
}

export interface FeedToAdd {
  readonly url: string;
  readonly title: string | null;
  readonly bookScore: number | null;
  /** Null lets the coordinator derive one. */
  readonly id: string | null;
  readonly priority?: number | undefined;
  readonly labels?: FeedLabels | undefined;
  readonly model?: string | undefined;
  readonly language?: string | undefined;
  readonly filter?: EpisodeFilter | undefined;
  readonly prompt?: string | undefined;
  readonly hotwords?: string | undefined;
  readonly keepAudio?: KeepAudio | undefined;
  /** None of its jobs begins before it is resumed; absent: they do. */
  readonly paused?: boolean | undefined;
}

/** Always a token: what was given anew since somebody looked is not taken away by mistake. */
export interface LockToRelease {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly token: Token;
}

export interface JobName {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
}

export interface EpisodeToSkip {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  /** Who asks, for the reason that is shown. */
  readonly by: string;
}

export type OrderDone =
  | { readonly kind: 'add_feeds'; readonly added: readonly AddedFeed[] }
  | { readonly kind: 'change_feed'; readonly changed: ChangedFeed }
  | { readonly kind: 'retry_jobs'; readonly retried: number }
  /** The stages that are given up by this order. */
  | { readonly kind: 'skip_episode'; readonly skipped: readonly Stage[] }
  | { readonly kind: 'release_lock'; readonly released: ReleasedLock }
  | { readonly kind: 'set_cordon'; readonly set: SetCordon }
  | { readonly kind: 'cancel_job'; readonly canceled: ReleasedLock }
  /** `requested`: those that were not asked for before. */
  | { readonly kind: 'repeat_runs'; readonly requested: number }
  /** Null when it is accepted, else why not. */
  | { readonly kind: 'adopt_result'; readonly refusal: string | null };

export type AddedFeed =
  | {
      /** `restored`: it was removed, and is back with all that was done. */
      readonly kind: 'added' | 'known' | 'moved' | 'restored';
      readonly feed: FeedId;
      readonly url: string;
      readonly revision: number;
      /** Of a restored one: its files were purged, and what was done is done anew. */
      readonly purged?: true | undefined;
    }
  | { readonly kind: 'refused'; readonly url: string; readonly problem: string };

export type ChangedFeed =
  /** `fields`: names of what is another now. */
  | {
      readonly kind: 'changed';
      readonly revision: number;
      readonly fields: readonly string[];
      /** How far a purge of it is, when one was asked for. */
      readonly purge?: FeedPurge | undefined;
    }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'refused'; readonly problem: string };

export type ReleasedLock =
  | { readonly kind: 'released'; readonly revision: number }
  /** Its result is accepted: it can only be finished. */
  | { readonly kind: 'committed' }
  | { readonly kind: 'not_held' };

export interface SetCordon {
  /** As it stands now; null where the agent never had one. */
  readonly cordon: CordonState | null;
  /** False when it was so before. */
  readonly changed: boolean;
}

/** The leader's answer to a coordinator that passed an order on. */
export type OrderReply =
  | { readonly kind: 'done'; readonly done: OrderDone }
  /** It may have been carried out in part; the same order may be given again. */
  | { readonly kind: 'failed'; readonly reason: string };

/** Lists of feeds that each fit a message: by number and by the length of their texts. */
export function inMessages(feeds: readonly FeedToAdd[]): FeedToAdd[][] {
  const lists: FeedToAdd[][] = [];
  let bytes = BYTES_MAX;
  for (const feed of feeds) {
    // Three bytes of UTF-8 at most for each unit of a string, JSON's escapes included in the room left below the limit.
    const { labels, model, language, keepAudio, filter, prompt = '', hotwords = '' } = feed;
    const chosen =
      JSON.stringify([labels, model, language, keepAudio]).length +
      3 * (JSON.stringify(filter ?? null).length + prompt.length + hotwords.length);
    const size = 100 + chosen + 3 * (feed.url.length + (feed.title?.length ?? 0));
    const list = lists.at(-1);
    if (list === undefined || bytes + size > BYTES_MAX || list.length === FEEDS_MAX) {
      lists.push([feed]);
      bytes = size;
    } else {
      list.push(feed);
      bytes += size;
    }
  }
  return lists;
}

const BYTES_MAX = 128 * 1024;
/** Each is a synced write: a few seconds for all of them on a slow disk. */
const FEEDS_MAX = 500;
/** About 130 bytes each. */
export const RUNS_A_MESSAGE_MAX = 1_000;
