import { err, ok, type Result } from '../result.ts';
import type { FeedProblem } from './feed-problem.ts';

export interface StartedXml {
  /** From its first markup on. */
  readonly text: string;
  readonly problems: readonly FeedProblem[];
}

/** How far into a document its first markup is looked for. */
const HEAD_LENGTH = 65_536;
const ROOT = /<(?:\?xml[\s-]|rss[\s>]|feed[\s>]|opml[\s>]|rdf:rdf[\s>])/i;

/** Where a document begins to be XML. An error, the rest of a sentence about it, when it is plainly something else. */
export function startOfXml(text: string): Result<StartedXml, string> {
  const begun = text.slice(preambleEnd(text));
  if (begun === '') return err('it is empty');
  const head = begun.slice(0, HEAD_LENGTH);
  if (/^<(?:!doctype\s+html|html[\s>])/i.test(head)) {
    return err('it is an HTML page, not a feed');
  }
  if (/^[[{]/.test(head)) return err('it is JSON, not a feed');
  if (/^<(?:\?xml|!doctype|rss|feed|opml|rdf:|[a-z0-9]+:)/i.test(head)) {
    return ok({ text: begun, problems: [] });
  }
  const at = head.search(ROOT);
  if (at < 0) {
    return begun.startsWith('<') ? ok({ text: begun, problems: [] }) : err('it is not XML');
  }
  const message = 'text before the XML was dropped';
  const problem: FeedProblem = { kind: 'repaired', message, count: 1, place: 'line 1' };
  return ok({ text: begun.slice(at), problems: [problem] });
}

/** Just after the white space, marks and comments that precede everything. */
function preambleEnd(text: string): number {
  const piece = /[\s\uFEFF\0]+|<!--[\s\S]*?-->/y;
  let end = 0;
  while (piece.test(text)) end = piece.lastIndex;
  return end;
}
