import type { AddedFeed, Feed } from '@podctl/proto/podctl/v1/feed.ts';
import { AddedFeed_Outcome, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { isoTime, ratio } from './list-document.ts';

export type FeedStateWord = 'new' | 'active' | 'done' | 'stalled' | 'failing' | 'unknown';

/** A feed and its progress, as `--json` prints it. */
export interface FeedView {
  readonly feedId: string;
  readonly title: string;
  /** Without credentials. */
  readonly url: string;
  readonly state: FeedStateWord;
  readonly episodes: number;
  readonly downloaded: number;
  readonly downloadedRatio: number;
  readonly transcribed: number;
  readonly transcribedRatio: number;
  readonly dead: number;
  readonly retrying: number;
  readonly downloadWorkers: number;
  readonly transcribeWorkers: number;
  /** 1 to 10; 3 until known. */
  readonly bookScore: number;
  readonly bookScoreKnown: boolean;
  readonly audioTranscribedSeconds: number;
  readonly stalledSince: string | null;
  readonly lastSuccessAt: string | null;
  /** One sentence; empty when nothing is wrong. */
  readonly problem: string;
  /** An estimate; null while no length is known. */
  readonly audioLeftSeconds: number | null;
  /** Seconds of audio a second, over 15 minutes; null below three samples. */
  readonly speedRatio: number | null;
  /** Until nothing is left; null while it cannot be told. */
  readonly etaSeconds: number | null;
}

const stateWords: { readonly [state: number]: FeedStateWord } = {
  [FeedState.NEW]: 'new',
  [FeedState.ACTIVE]: 'active',
  [FeedState.DONE]: 'done',
  [FeedState.STALLED]: 'stalled',
  [FeedState.FAILING]: 'failing',
};

export function feedView(feed: Feed): FeedView {
  return {
    feedId: feed.feedId,
    title: feed.title,
    url: feed.url,
    state: stateWords[feed.state] ?? 'unknown',
    episodes: feed.episodes,
    downloaded: feed.downloaded,
    downloadedRatio: ratio(feed.downloaded, feed.episodes),
    transcribed: feed.transcribed,
    transcribedRatio: ratio(feed.transcribed, feed.episodes),
    dead: feed.dead,
    retrying: feed.retrying,
    downloadWorkers: feed.downloadWorkers,
    transcribeWorkers: feed.transcribeWorkers,
    bookScore: feed.bookScore,
    bookScoreKnown: feed.bookScoreKnown,
    audioTranscribedSeconds: feed.audioSecondsTranscribed,
    stalledSince: isoTime(feed.stalledSince),
    lastSuccessAt: isoTime(feed.lastSuccessAt),
    problem: feed.problem,
    audioLeftSeconds: feed.audioSecondsLeft ?? null,
    speedRatio: feed.speedRatio ?? null,
    etaSeconds: feed.etaSeconds ?? null,
  };
}

export type AddedWord = 'added' | 'known' | 'moved' | 'refused' | 'unknown';

/** What became of one feed to add. */
export interface AddedFeedView {
  readonly feedId: string;
  readonly url: string;
  readonly outcome: AddedWord;
  readonly problem: string;
}

const outcomeWords: { readonly [outcome: number]: AddedWord } = {
  [AddedFeed_Outcome.ADDED]: 'added',
  [AddedFeed_Outcome.KNOWN]: 'known',
  [AddedFeed_Outcome.MOVED]: 'moved',
  [AddedFeed_Outcome.REFUSED]: 'refused',
};

export function addedFeedView(added: AddedFeed): AddedFeedView {
  return {
    feedId: added.feedId,
    url: added.url,
    outcome: outcomeWords[added.outcome] ?? 'unknown',
    problem: added.problem,
  };
}
