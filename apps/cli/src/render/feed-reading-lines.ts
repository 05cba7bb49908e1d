import type { FeedProblemWord, FeedReadingView } from '../views/feed-reading-map.ts';
import { oneLine } from './cell.ts';
import { countWords } from './words.ts';

const words: { readonly [W in FeedProblemWord]: string } = {
  lost: 'Lost',
  'left-out': 'Left out',
  repaired: 'Repaired',
  unknown: 'Noted',
};

/** How a feed's newest document was read: nothing of one that nothing was wrong with, and that had one page. */
export function feedReadingLines(reading: FeedReadingView | null): string[] {
  if (reading === null) return [];
  const pages =
    reading.pages > 1
      ? [`Document    ${countWords(reading.items, 'item')} on ${reading.pages} pages`]
      : [];
  const problems = reading.problems.map(({ kind, message, place }) => {
    const where = place === '' ? '' : ` (first: ${oneLine(place)})`;
    return `${words[kind].padEnd(11)} ${oneLine(message)}${where}`;
  });
  return [...pages, ...problems];
}
