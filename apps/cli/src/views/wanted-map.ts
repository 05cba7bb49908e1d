import type { LedgerCounts, WantedEpisodes } from '@podctl/proto/podctl/v1/feed.ts';
import { isoTime } from './list-document.ts';

/** Which episodes of a feed are wanted, as `--json` prints it. */
export interface WantedView {
  /** Empty: any. */
  readonly titleMatch: string;
  readonly titleSkip: string;
  readonly publishedSince: string | null;
  /** 0: all. */
  readonly episodesMax: number;
  /** Null: any. */
  readonly minDurationSeconds: number | null;
  readonly maxDurationSeconds: number | null;
  readonly seasons: readonly number[];
  readonly episodeTypes: readonly string[];
}

/** What a feed's ledger comes to. */
export interface LedgerView {
  readonly known: number;
  readonly listed: number;
  readonly vanished: number;
  readonly replaced: number;
  readonly audioChanged: number;
  readonly filtered: number;
}

/** Null: all. */
export function wantedView(wanted: WantedEpisodes | undefined): WantedView | null {
  if (wanted === undefined) return null;
  return {
    titleMatch: wanted.titleMatch,
    titleSkip: wanted.titleSkip,
    publishedSince: isoTime(wanted.publishedSince),
    episodesMax: wanted.episodesMax,
    minDurationSeconds: wanted.minDurationSeconds ?? null,
    maxDurationSeconds: wanted.maxDurationSeconds ?? null,
    seasons: wanted.seasons,
    episodeTypes: wanted.episodeTypes,
  };
}

export function ledgerView(ledger: LedgerCounts): LedgerView {
  const { known, listed, vanished, replaced, audioChanged, filtered } = ledger;
  return { known, listed, vanished, replaced, audioChanged, filtered };
}
