import type { FeedLimits } from './feed-document.ts';
import type { FeedProblem, FeedProblemKind } from './feed-problem.ts';

const LOSSES = {
  truncated: ['lost', 'cut off by the end of the document'],
  longGuid: ['lost', 'with a GUID that is too long, read without it'],
  cutText: ['lost', 'with a title that is too long, cut'],
  badDate: ['lost', 'with a date that cannot be read'],
  overMax: ['left_out', 'beyond the limit of {itemsMax} left out'],
  videoOnly: ['left_out', 'with video alone passed over: feeds.media says what is taken'],
  withoutAudio: ['left_out', 'without audio passed over'],
  live: ['left_out', 'live passed over'],
  repeated: ['repaired', 'with the key of an earlier one merged into it'],
  controls: ['repaired', 'with control characters, which were dropped'],
} as const satisfies { readonly [name: string]: readonly [FeedProblemKind, string] };

export type FeedLoss = keyof typeof LOSSES;

/** What happened to the items of a document, counted, with the first of each kind. */
export class FeedLosses {
  private readonly found = new Map<FeedLoss, { count: number; readonly item: number }>();

  /** `item`: which one of the document, from 1. */
  add(loss: FeedLoss, item: number): void {
    const found = this.found.get(loss);
    if (found === undefined) this.found.set(loss, { count: 1, item });
    else found.count++;
  }

  has(loss: FeedLoss): boolean {
    return this.found.has(loss);
  }

  problems({ itemsMax }: FeedLimits): FeedProblem[] {
    return [...this.found].map(([loss, { count, item }]) => {
      const [kind, template] = LOSSES[loss];
      const what = template.replace('{itemsMax}', String(itemsMax));
      const message = `${count} ${count === 1 ? 'item' : 'items'} ${what}`;
      return { kind, message, count, place: `item ${item}` };
    });
  }
}
