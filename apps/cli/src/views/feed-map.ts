import type { AddedFeed, Feed, FeedDetail } from '@podctl/proto/podctl/v1/feed.ts';
import { AddedFeed_Outcome, FeedPoll_Result, FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { type FeedReadingView, feedReadingView } from './feed-reading-map.ts';
import { isoTime, ratio } from './list-document.ts';
import { figuresView, type QualityFiguresView } from './quality-map.ts';
import { type LedgerView, ledgerView, type WantedView, wantedView } from './wanted-map.ts';

export type FeedStateWord =
  | 'new'
  | 'active'
  | 'done'
  | 'stalled'
  | 'failing'
  | 'paused'
  | 'gone'
  | 'unknown';

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
  /** -10 to 10. */
  readonly priority: number;
  readonly labels: { readonly [key: string]: string };
  /** True when `url` leaves a password, a token or a query out. */
  readonly urlIsPrivate: boolean;
  readonly skipped: number;
  /** None of its jobs begins; `state` says so while any is left. */
  readonly paused: boolean;
}

const stateWords: { readonly [state: number]: FeedStateWord } = {
  [FeedState.NEW]: 'new',
  [FeedState.ACTIVE]: 'active',
  [FeedState.DONE]: 'done',
  [FeedState.STALLED]: 'stalled',
  [FeedState.FAILING]: 'failing',
  [FeedState.PAUSED]: 'paused',
  [FeedState.GONE]: 'gone',
};

/** The states that can be asked for. */
export const FEED_STATES: readonly string[] = Object.values(stateWords);

export function feedStateOf(word: string): FeedState {
  const found = Object.entries(stateWords).find(([, one]) => one === word);
  return found === undefined ? FeedState.UNSPECIFIED : (Number(found[0]) as FeedState);
}

/** Neither transcribed, nor given up, nor skipped. */
export function episodesLeft(
  feed: Pick<FeedView, 'episodes' | 'transcribed' | 'dead' | 'skipped'>,
): number {
  return Math.max(0, feed.episodes - feed.transcribed - feed.dead - feed.skipped);
}

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
    priority: feed.choices?.priority ?? 0,
    labels: feed.choices?.labels ?? {},
    urlIsPrivate: feed.urlIsPrivate,
    skipped: feed.skipped,
    paused: feed.paused,
  };
}

/** The jobs of one stage of a feed. */
export interface StageCountsView {
  readonly stage: StageWord;
  readonly waiting: number;
  readonly running: number;
  readonly done: number;
  readonly dead: number;
}

export type PollResultWord = 'new' | 'unchanged' | 'failed' | 'gone' | 'unknown';

/** The last poll of a feed, good or bad. */
export interface LastPollView {
  readonly endedAt: string | null;
  readonly result: PollResultWord;
  readonly newEpisodes: number;
}

const resultWords: { readonly [result: number]: PollResultWord } = {
  [FeedPoll_Result.NEW]: 'new',
  [FeedPoll_Result.UNCHANGED]: 'unchanged',
  [FeedPoll_Result.FAILED]: 'failed',
  [FeedPoll_Result.GONE]: 'gone',
};

export function lastPollView({ lastPoll }: Pick<FeedDetail, 'lastPoll'>): LastPollView | null {
  if (lastPoll === undefined) return null;
  const { endedAt, result, newEpisodes } = lastPoll;
  return { endedAt: isoTime(endedAt), result: resultWords[result] ?? 'unknown', newEpisodes };
}

/** All that is known of a feed, as `feed show --json` prints it. */
export interface FeedDetailView extends FeedView {
  /** Empty: the fleet's. */
  readonly model: string;
  readonly language: string;
  readonly keepAudio: string;
  readonly addedAt: string | null;
  /** Null while it is due, or being read. */
  readonly nextPollAt: string | null;
  /** The rest of "next in 2 h, since …"; empty while it is due. */
  readonly nextPollReason: string;
  /** Null before the first one. */
  readonly lastPoll: LastPollView | null;
  readonly failedPolls: number;
  readonly listed: number;
  readonly stages: readonly StageCountsView[];
  /** Ids of the episodes that go first. */
  readonly prioritized: readonly string[];
  /** How its newest document was read; null until one was. */
  readonly reading: FeedReadingView | null;
  /** Null: all episodes are wanted. */
  readonly wanted: WantedView | null;
  /** Empty: nothing. */
  readonly prompt: string;
  readonly hotwords: string;
  /** Null before its first reading. */
  readonly ledger: LedgerView | null;
  /** Of its transcripts; null while none has a quality. */
  readonly quality: QualityFiguresView | null;
}

export function feedDetailView(detail: FeedDetail): FeedDetailView {
  const { feed } = detail;
  if (feed === undefined)
    throw new CommandError(EXIT.failed, 'the coordinator answered without the feed');
  return {
    ...feedView(feed),
    model: feed.choices?.model ?? '',
    language: feed.choices?.language ?? '',
    keepAudio: feed.choices?.keepAudio ?? '',
    addedAt: isoTime(detail.addedAt),
    nextPollAt: isoTime(detail.nextPollAt),
    nextPollReason: detail.nextPollReason,
    lastPoll: lastPollView(detail),
    failedPolls: detail.failedPolls,
    listed: detail.listed,
    stages: detail.stages.map(({ stage, waiting, running, done, dead }) => ({
      ...{ stage: stageWord(stage), waiting, running, done, dead },
    })),
    prioritized: detail.prioritized,
    reading: feedReadingView(detail.reading),
    wanted: wantedView(feed.choices?.wanted),
    prompt: feed.choices?.prompt ?? '',
    hotwords: feed.choices?.hotwords ?? '',
    ledger: detail.ledger === undefined ? null : ledgerView(detail.ledger),
    quality: detail.quality === undefined ? null : figuresView(detail.quality),
  };
}

export type AddedWord = 'added' | 'known' | 'moved' | 'restored' | 'refused' | 'unknown';

/** What became of one feed to add. */
export interface AddedFeedView {
  readonly feedId: string;
  readonly url: string;
  readonly outcome: AddedWord;
  readonly problem: string;
  /** Of a restored one: its files were purged, and what was done is done anew. */
  readonly purged: boolean;
}

const outcomeWords: { readonly [outcome: number]: AddedWord } = {
  [AddedFeed_Outcome.ADDED]: 'added',
  [AddedFeed_Outcome.KNOWN]: 'known',
  [AddedFeed_Outcome.MOVED]: 'moved',
  [AddedFeed_Outcome.RESTORED]: 'restored',
  [AddedFeed_Outcome.REFUSED]: 'refused',
};

export function addedFeedView(added: AddedFeed): AddedFeedView {
  return {
    feedId: added.feedId,
    url: added.url,
    outcome: outcomeWords[added.outcome] ?? 'unknown',
    problem: added.problem,
    purged: added.purged === true,
  };
}
