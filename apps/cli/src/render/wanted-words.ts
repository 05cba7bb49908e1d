import type { LedgerView, WantedView } from '../views/wanted-map.ts';
import { oneLine } from './cell.ts';
import { durationWords } from './words.ts';

/** What of a ledger is worth a word. */
export function ledgerWords({ vanished, replaced, audioChanged, filtered }: LedgerView): string[] {
  const told: readonly (readonly [number, string])[] = [
    [vanished, 'vanished'],
    [replaced, 'under another GUID'],
    [audioChanged, 'with other audio since'],
    [filtered, 'filtered'],
  ];
  return told.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
}

/** Which episodes are wanted, in words; `all` where nobody chose. */
export function wantedWords(wanted: WantedView | null): string {
  if (wanted === null) return 'all';
  const { titleMatch, titleSkip, publishedSince, episodesMax, seasons, episodeTypes } = wanted;
  const { minDurationSeconds: min, maxDurationSeconds: max } = wanted;
  const parts: string[] = [];
  if (episodesMax > 0) parts.push(`the newest ${episodesMax}`);
  if (titleMatch !== '') parts.push(`title with /${oneLine(titleMatch)}/`);
  if (titleSkip !== '') parts.push(`title without /${oneLine(titleSkip)}/`);
  if (publishedSince !== null) parts.push(`since ${publishedSince.slice(0, 10)}`);
  if (min !== null) parts.push(`${durationWords(min)} at least`);
  if (max !== null) parts.push(`${durationWords(max)} at most`);
  if (seasons.length > 0)
    parts.push(`season${seasons.length === 1 ? '' : 's'} ${seasons.join(', ')}`);
  if (episodeTypes.length > 0) parts.push(episodeTypes.join(' or '));
  return parts.join('; ');
}
