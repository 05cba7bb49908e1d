import type { BookScore, BookScoreSource } from '@podctl/domain/books/book-score.ts';
import {
  BookScore_Source,
  type BookScore as BookScoreMessage,
} from '@podctl/proto/podctl/v1/feed.ts';

const sources: { readonly [S in BookScoreSource]: BookScore_Source } = {
  user: BookScore_Source.USER,
  transcripts: BookScore_Source.TRANSCRIPTS,
  default: BookScore_Source.DEFAULT,
};

export function bookScoreMessage(score: BookScore): BookScoreMessage {
  const { source, fromTranscripts, episodes, mentionsPerHour } = score;
  return {
    source: sources[source],
    fromTranscripts: fromTranscripts ?? undefined,
    episodes,
    mentionsPerHour: mentionsPerHour ?? undefined,
  };
}
