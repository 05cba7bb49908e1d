import type { BookScoreView } from '../views/book-map.ts';
import { countWords } from './words.ts';

interface Scored {
  readonly feedId: string;
  readonly bookScore: number;
  readonly bookScoreKnown: boolean;
  readonly books: BookScoreView | null;
}

/** A feed's book score, and why it is that. */
export function bookScoreLines({ feedId, bookScore, bookScoreKnown, books }: Scored): string[] {
  if (books === null) return [`Books       ${bookScore}${bookScoreKnown ? '' : ' (not known)'}`];
  return [
    `Books       ${bookScore} of 10, ${sourceWords(books)}`,
    ...((books.mentionsPerHour ?? 0) > 0
      ? [`            "podctl report books --feed ${feedId}" lists those with a name`]
      : []),
  ];
}

function sourceWords(books: BookScoreView): string {
  const { source, fromTranscripts } = books;
  const heard = heardWords(books);
  switch (source) {
    case 'user':
      return fromTranscripts === null
        ? 'given by a user'
        : `given by a user; the transcripts say ${fromTranscripts.toFixed(1)} (${heard})`;
    case 'transcripts':
      return `from the transcripts: ${(fromTranscripts ?? 0).toFixed(1)} (${heard})`;
    case 'default':
      return books.episodes === 0
        ? 'as no episode was scored yet'
        : `as the transcripts say too little yet (${heard})`;
    case 'unknown':
      return 'where from is not known';
  }
}

function heardWords({ episodes, mentionsPerHour }: BookScoreView): string {
  const counted = `${countWords(episodes, 'episode')} counted`;
  if (mentionsPerHour === null) return counted;
  return `${counted}, ${mentionsPerHour.toFixed(1)} recommendations an hour`;
}
