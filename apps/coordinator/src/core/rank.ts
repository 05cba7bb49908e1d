import type { FeedId } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';

/** What the order of feeds depends on. */
export interface RankedFeed {
  readonly feed: FeedId;
  /** −10 to 10, what people chose; before everything else. */
  readonly priority: number;
  /** 1 to 10; 3 until known. */
  readonly bookScore: number;
  readonly remaining: { readonly [S in Stage]: number };
}

/** Downloads: the higher priority, then fewest remaining first, then the higher book score; the id makes it one order. Source: the replaced system. */
export function compareForDownload(a: RankedFeed, b: RankedFeed): number {
  return compareForOther('download', a, b);
}

/** Transcription: the higher priority, then most remaining first, then complete downloads, then the higher book score. Source: the replaced system. */
export function compareForTranscribe(a: RankedFeed, b: RankedFeed): number {
  return (
    b.priority - a.priority ||
    b.remaining.transcribe - a.remaining.transcribe ||
    Number(b.remaining.download === 0) - Number(a.remaining.download === 0) ||
    b.bookScore - a.bookScore ||
    byId(a.feed, b.feed)
  );
}

/** Any other stage: the higher priority, then fewest remaining first, so that small feeds are through soon. */
export function compareForOther(stage: Stage, a: RankedFeed, b: RankedFeed): number {
  return (
    b.priority - a.priority ||
    a.remaining[stage] - b.remaining[stage] ||
    b.bookScore - a.bookScore ||
    byId(a.feed, b.feed)
  );
}

/**
 * Transcription workers that a feed may have while other feeds wait: one, or one for each begun batch of
 * `multiWorkerMinEpisodes` when more than that many remain. (The replaced system rounded down, which gave one worker
 * at 51–99 against its own criterion.)
 */
export function transcribersMax(remaining: number, multiWorkerMinEpisodes: number): number {
  return remaining > multiWorkerMinEpisodes ? Math.ceil(remaining / multiWorkerMinEpisodes) : 1;
}

function byId(a: FeedId, b: FeedId): number {
  return a < b ? -1 : Number(a > b);
}
