/** Which audio stays in the library. What is still to be transcribed stays under each of them. */
export type KeepAudio =
  | { readonly kind: 'always' }
  | { readonly kind: 'untilTranscribed' }
  /** So long after it was downloaded. */
  | { readonly kind: 'days'; readonly days: number }
  /** The newest of a feed, by their dates. */
  | { readonly kind: 'count'; readonly count: number };

const AMOUNT_MAX = 100_000;

/** As settings and flags have it: `always`, `untilTranscribed`, `days:30`, `count:10`; null for every other text. */
export function parseKeepAudio(text: string): KeepAudio | null {
  if (text === 'always' || text === 'untilTranscribed') return { kind: text };
  const [, kind, digits] = /^(days|count): ?([1-9][0-9]{0,5})$/.exec(text) ?? [];
  const amount = Number(digits);
  if (kind === undefined || !(amount <= AMOUNT_MAX)) return null;
  return kind === 'days' ? { kind, days: amount } : { kind: 'count', count: amount };
}

/** The inverse of `parseKeepAudio`. */
export function keepAudioText(keep: KeepAudio): string {
  switch (keep.kind) {
    case 'always':
    case 'untilTranscribed':
      return keep.kind;
    case 'days':
      return `days:${keep.days}`;
    case 'count':
      return `count:${keep.count}`;
  }
}
