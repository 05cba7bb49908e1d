import type { FeedDocument, FeedItem } from './feed-document.ts';
import type { FeedProblem } from './feed-problem.ts';
import { mergeItems, mergeKey } from './item-merge.ts';

export interface PageLimits {
  readonly pagesMax: number;
  readonly itemsMax: number;
}

/**
 * A feed that lists its episodes on several pages (RFC 5005), put together page by page. States: `open`, there is a next
 * page to read; `ended`, for good. What an earlier page lists counts before what a later one does.
 */
export class FeedPages {
  private readonly limits: PageLimits;
  private readonly first: FeedDocument;
  private readonly byKey = new Map<string, FeedItem>();
  private readonly problems: FeedProblem[];
  private readonly visited = new Set<string>();
  private pages = 1;
  private itemsSeen: number;
  private isPartial: boolean;
  private following: string | null = null;

  /** `urls`: where the first page was asked for and read. */
  constructor(first: FeedDocument, urls: readonly string[], limits: PageLimits) {
    this.first = first;
    this.limits = limits;
    for (const item of first.items) this.byKey.set(mergeKey(this.byKey, item), item);
    this.problems = [...first.problems];
    this.itemsSeen = first.itemsSeen;
    this.isPartial = first.isPartial === true;
    for (const url of urls) this.visited.add(identityOf(url));
    this.follow(first.nextPageUrl);
  }

  /** The page to read next; null at the end. */
  get next(): string | null {
    return this.following;
  }

  add(page: FeedDocument): void {
    this.pages++;
    this.itemsSeen += page.itemsSeen;
    this.isPartial ||= page.isPartial === true;
    const before = this.byKey.size;
    for (const item of page.items) this.keep(item);
    this.problems.push(...page.problems.map((problem) => this.placed(problem)));
    // A host that makes pages up without end lists the same ones again and again, or none.
    if (this.byKey.size === before && page.nextPageUrl !== null)
      this.stop('repaired', `page ${this.pages} lists nothing new: no further page was read`);
    else this.follow(page.nextPageUrl);
  }

  /** The next page could not be read. `reason`: the rest of a sentence, without secrets. */
  fail(reason: string): void {
    this.isPartial = true;
    this.stop('lost', `page ${this.pages + 1} could not be read: ${reason}`);
  }

  finish(): FeedDocument {
    const { breaksOff: _, ...first } = this.first;
    return {
      ...first,
      items: [...this.byKey.values()],
      itemsSeen: this.itemsSeen,
      pages: this.pages,
      problems: this.problems,
      isPartial: this.isPartial,
    };
  }

  private follow(url: string | null): void {
    this.following = null;
    if (url === null) return;
    if (this.visited.has(identityOf(url))) {
      this.stop('repaired', `page ${this.pages} names one as the next that was read already`);
    } else if (this.byKey.size >= this.limits.itemsMax) {
      this.isPartial = true;
      this.stop('left_out', `the limit of ${this.limits.itemsMax} episodes is reached`);
    } else if (this.pages >= this.limits.pagesMax) {
      this.isPartial = true;
      this.stop(
        'left_out',
        `more pages than the limit of ${this.limits.pagesMax} (feeds.pagesMax)`,
      );
    } else {
      this.visited.add(identityOf(url));
      this.following = url;
    }
  }

  private keep(item: FeedItem): void {
    const key = mergeKey(this.byKey, item);
    const earlier = this.byKey.get(key);
    if (earlier !== undefined) this.byKey.set(key, mergeItems(earlier, item));
    else if (this.byKey.size < this.limits.itemsMax) this.byKey.set(key, item);
    else this.isPartial = true;
  }

  private stop(kind: FeedProblem['kind'], message: string): void {
    this.following = null;
    this.problems.push({ kind, message, count: 1, place: `page ${this.pages}` });
  }

  private placed(problem: FeedProblem): FeedProblem {
    const place = problem.place === null ? '' : `, ${problem.place}`;
    return { ...problem, place: `page ${this.pages}${place}` };
  }
}

/** Two spellings of one page: credentials and fragment make no other one. */
function identityOf(text: string): string {
  const url = URL.parse(text);
  return url === null ? text : `${url.host}${url.pathname}${url.search}`;
}
