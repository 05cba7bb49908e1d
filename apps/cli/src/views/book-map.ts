import type { BookMention } from '@podctl/proto/podctl/v1/book.ts';
import { type BookScore, BookScore_Source } from '@podctl/proto/podctl/v1/feed.ts';
import { isoTime } from './list-document.ts';

export type BookScoreSourceWord = 'user' | 'transcripts' | 'default' | 'unknown';

/** Where a feed's book score comes from. */
export interface BookScoreView {
  readonly source: BookScoreSourceWord;
  /** What the transcripts alone say, 1 to 10; null while they say too little. */
  readonly fromTranscripts: number | null;
  /** Episodes that were counted. */
  readonly episodes: number;
  /** Weighted recommendations an hour of those; null where none was counted. */
  readonly mentionsPerHour: number | null;
}

const sourceWords: { readonly [source: number]: BookScoreSourceWord } = {
  [BookScore_Source.USER]: 'user',
  [BookScore_Source.TRANSCRIPTS]: 'transcripts',
  [BookScore_Source.DEFAULT]: 'default',
};

export function bookScoreView(score: BookScore | undefined): BookScoreView | null {
  if (score === undefined) return null;
  return {
    source: sourceWords[score.source] ?? 'unknown',
    fromTranscripts: score.fromTranscripts ?? null,
    episodes: score.episodes,
    mentionsPerHour: score.mentionsPerHour ?? null,
  };
}

/** A book, as an episode speaks of it, as `--json` prints it. */
export interface BookMentionView {
  /** Empty when none was heard. */
  readonly title: string;
  /** Empty when nobody was named. */
  readonly author: string;
  readonly feedId: string;
  readonly episodeId: string;
  readonly episodeTitle: string;
  /** Null when the feed does not say. */
  readonly publishedAt: string | null;
  /** When it is said, from the start of the audio. */
  readonly startSeconds: number;
  readonly quote: string;
  /** 0 to 1: that it is a book. */
  readonly confidenceRatio: number;
  readonly recommended: boolean;
}

export function bookMentionView(mention: BookMention): BookMentionView {
  return {
    title: mention.title,
    author: mention.author,
    feedId: mention.feedId,
    episodeId: mention.episodeId,
    episodeTitle: mention.episodeTitle,
    publishedAt: isoTime(mention.publishedAt),
    startSeconds: mention.startSeconds,
    quote: mention.quote,
    confidenceRatio: mention.confidenceRatio,
    recommended: mention.recommended,
  };
}
