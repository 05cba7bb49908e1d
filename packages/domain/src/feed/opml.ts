import { err, ok, type Result } from '../result.ts';
import type { FeedProblem, FeedProblemKind } from './feed-problem.ts';
import { normalizeFeedUrl } from './url.ts';
import type { XmlAttributes, XmlEvent } from './xml-event.ts';

export interface OpmlFeed {
  /** In the one form of `normalizeFeedUrl`. */
  readonly url: string;
  /** Empty when the list gives none. */
  readonly title: string;
}

export interface OpmlDocument {
  /** In the list's order, each URL once. */
  readonly feeds: readonly OpmlFeed[];
  readonly problems: readonly FeedProblem[];
}

export interface OpmlOptions {
  /** What relative URLs are resolved against; null when nothing is. */
  readonly baseUrl: string | null;
  readonly feedsMax: number;
}

export const OPML_FEEDS_MAX = 10_000;

const TITLE_LENGTH_MAX = 500;

/**
 * Folds the events of an OPML subscription list. An outline with `xmlUrl` is a feed, whatever its type says and however
 * deep it lies; attribute names arrive in lower case, which is how their case stops to matter.
 */
export class OpmlReader {
  private readonly options: OpmlOptions;
  private root: string | null = null;
  private readonly feeds = new Map<string, OpmlFeed>();
  private repeated = 0;
  private refused = 0;
  private overMax = 0;
  private withoutSecret = 0;
  private depth = 0;

  constructor(options: OpmlOptions) {
    this.options = options;
  }

  get isRefused(): boolean {
    return this.root !== null && this.root !== 'opml';
  }

  get wantsText(): boolean {
    return false;
  }

  read(event: XmlEvent): void {
    if (event.kind === 'close') this.depth--;
    if (event.kind !== 'open') return;
    this.depth++;
    this.root ??= event.name;
    const url = event.attributes.get('xmlurl')?.trim() ?? '';
    if (event.name === 'outline' && url !== '') this.addFeed(url, event.attributes);
  }

  /** An error, one sentence, when it is no OPML at all. */
  end(): Result<OpmlDocument, string> {
    if (this.root === null) return err('it holds no XML; an OPML list begins with <opml>');
    if (this.isRefused) {
      return err(
        `its root element is <${this.root.slice(0, 40)}>; an OPML list begins with <opml>`,
      );
    }
    return ok({ feeds: [...this.feeds.values()], problems: this.problems() });
  }

  private addFeed(text: string, attributes: XmlAttributes): void {
    const url = normalizeFeedUrl(text, this.options.baseUrl);
    // Of our own export: without what it left out the URL is another feed's, or nobody's.
    if (attributes.get('urlisprivate') === 'true') {
      this.withoutSecret++;
    } else if (!url.ok) {
      this.refused++;
    } else if (this.feeds.has(url.value)) {
      this.repeated++;
    } else if (this.feeds.size >= this.options.feedsMax) {
      this.overMax++;
    } else {
      this.feeds.set(url.value, { url: url.value, title: titleOf(attributes) });
    }
  }

  private problems(): FeedProblem[] {
    const message = 'the list breaks off before its end';
    const breakOff = { kind: 'lost' as const, message, count: 1, place: null };
    const told: readonly (readonly [FeedProblemKind, number, string])[] = [
      ['repaired', this.repeated, 'listed more than once, taken once'],
      ['left_out', this.refused, 'left out: the URL is not http or https'],
      [
        'left_out',
        this.withoutSecret,
        'left out: the list has its URL without its password, token or query, so add it by hand',
      ],
      ['left_out', this.overMax, `left out: the limit is ${this.options.feedsMax}`],
    ];
    const counted = told
      .filter(([, count]) => count > 0)
      .map(([kind, count, what]) => {
        const message = `${count} ${count === 1 ? 'feed' : 'feeds'} ${what}`;
        return { kind, message, count, place: null };
      });
    return this.depth > 0 ? [breakOff, ...counted] : counted;
  }
}

/** `text` is what OPML 2.0 shows; `title` stands in where it is missing or empty. */
function titleOf(attributes: XmlAttributes): string {
  const text = attributes.get('text')?.trim() || attributes.get('title')?.trim() || '';
  return text.replace(/\s+/g, ' ').slice(0, TITLE_LENGTH_MAX);
}
