import type { FeedCompleteness, MissingEpisode } from '@podctl/proto/podctl/v1/report.ts';
import { isoTime, ratio } from './list-document.ts';
import { type LedgerView, ledgerView } from './wanted-map.ts';

/** How complete the archive of a feed is, as `--json` prints it. */
export interface CompletenessView extends LedgerView {
  readonly feedId: string;
  readonly title: string;
  /** Known, and not filtered. */
  readonly wanted: number;
  readonly downloaded: number;
  readonly downloadedRatio: number;
  readonly transcribed: number;
  readonly transcribedRatio: number;
  readonly dead: number;
  readonly skipped: number;
  /** Wanted, not transcribed, and not skipped. */
  readonly missing: number;
  readonly lastSuccessAt: string | null;
  readonly problem: string;
}

/** The sums over the feeds that are listed. */
export interface TotalsView extends LedgerView {
  readonly feeds: number;
  readonly wanted: number;
  readonly downloaded: number;
  readonly transcribed: number;
  readonly dead: number;
  readonly skipped: number;
  readonly missing: number;
}

/** A wanted episode that is not transcribed. */
export interface MissingView {
  readonly episodeId: string;
  readonly title: string;
  readonly publishedAt: string | null;
  readonly downloaded: boolean;
  /** Null while the feed lists it. */
  readonly vanishedAt: string | null;
  /** Empty when nothing went wrong with it. */
  readonly reason: string;
}

const NO_COUNTS = { known: 0, listed: 0, vanished: 0, replaced: 0, audioChanged: 0, filtered: 0 };

export function completenessView(feed: FeedCompleteness): CompletenessView {
  const { wanted, downloaded, transcribed, dead, skipped } = feed;
  return {
    feedId: feed.feedId,
    title: feed.title,
    ...ledgerView(feed.ledger ?? NO_COUNTS),
    wanted,
    downloaded,
    downloadedRatio: ratio(downloaded, wanted),
    transcribed,
    transcribedRatio: ratio(transcribed, wanted),
    dead,
    skipped,
    missing: Math.max(0, wanted - transcribed - skipped),
    lastSuccessAt: isoTime(feed.lastSuccessAt),
    problem: feed.problem,
  };
}

export function totalsView(feeds: readonly CompletenessView[]): TotalsView {
  const sum = (of: (feed: CompletenessView) => number) =>
    feeds.reduce((total, feed) => total + of(feed), 0);
  return {
    feeds: feeds.length,
    known: sum(({ known }) => known),
    listed: sum(({ listed }) => listed),
    vanished: sum(({ vanished }) => vanished),
    replaced: sum(({ replaced }) => replaced),
    audioChanged: sum(({ audioChanged }) => audioChanged),
    filtered: sum(({ filtered }) => filtered),
    wanted: sum(({ wanted }) => wanted),
    downloaded: sum(({ downloaded }) => downloaded),
    transcribed: sum(({ transcribed }) => transcribed),
    dead: sum(({ dead }) => dead),
    skipped: sum(({ skipped }) => skipped),
    missing: sum(({ missing }) => missing),
  };
}

export function missingView(episode: MissingEpisode): MissingView {
  return {
    episodeId: episode.episodeId,
    title: episode.title,
    publishedAt: isoTime(episode.publishedAt),
    downloaded: episode.downloaded,
    vanishedAt: isoTime(episode.vanishedAt),
    reason: episode.reason,
  };
}
