import { type BookScore, feedBookScore } from '@podctl/domain/books/book-score.ts';
import type { FeedRow } from './snapshot.ts';

/** A feed's score and where it comes from: from sums that the fold keeps, so no file is read for it. */
export function bookScoreOf({ record, tally }: Pick<FeedRow, 'record' | 'tally'>): BookScore {
  return feedBookScore(tally.books, record?.bookScore ?? null);
}
