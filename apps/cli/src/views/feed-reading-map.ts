import { FeedProblemKind, type FeedReading } from '@podctl/proto/podctl/v1/feed.ts';
import { isoTime } from './list-document.ts';

export type FeedProblemWord = 'lost' | 'left-out' | 'repaired' | 'unknown';

/** One thing that a feed's document made the reader lose, leave out or mend. */
export interface FeedProblemView {
  readonly kind: FeedProblemWord;
  readonly message: string;
  readonly count: number;
  /** Where the first one is; empty where there is no place. */
  readonly place: string;
}

/** How a feed's newest document was read, as `feed show --json` prints it. */
export interface FeedReadingView {
  readonly readAt: string | null;
  readonly items: number;
  readonly pages: number;
  /** The weightiest first. */
  readonly problems: readonly FeedProblemView[];
}

const kindWords: { readonly [kind: number]: FeedProblemWord } = {
  [FeedProblemKind.LOST]: 'lost',
  [FeedProblemKind.LEFT_OUT]: 'left-out',
  [FeedProblemKind.REPAIRED]: 'repaired',
};

export function feedReadingView(reading: FeedReading | undefined): FeedReadingView | null {
  if (reading === undefined) return null;
  const { items, pages } = reading;
  const problems = reading.problems.map(({ kind, message, count, place }) => ({
    kind: kindWords[kind] ?? 'unknown',
    message,
    count,
    place,
  }));
  return { readAt: isoTime(reading.readAt), items, pages, problems };
}
