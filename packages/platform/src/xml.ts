import { decodeXml } from '@podctl/domain/feed/encoding.ts';
import type { FeedProblem } from '@podctl/domain/feed/feed-problem.ts';
import {
  namespaceOfUndeclaredPrefix,
  qualifiedName,
  type XmlEvent,
} from '@podctl/domain/feed/xml-event.ts';
import { repairXml } from '@podctl/domain/feed/xml-repair.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { SaxesParser } from 'saxes';

/** Folds the events of one document. */
export interface XmlReader<T> {
  readonly isRefused: boolean;
  read(event: XmlEvent): void;
  end(): Result<T, string>;
}

const CHUNK_LENGTH = 8192;
/** Saxes looks a name's namespace up through all open elements: without a limit a few hundred KiB of `<a>` take minutes. */
const DEPTH_MAX = 1000;
/** Well-formedness errors that are told one by one; the others are counted. */
const ERRORS_TOLD_MAX = 3;

/**
 * Reads a document of any encoding, as far as it can be read: what was lost or mended is among its problems. No entity is
 * expanded and nothing else is fetched. Errors are the rest of a sentence about the document: "it is empty".
 */
export function readXml<T extends { readonly problems: readonly FeedProblem[] }>(
  bytes: Uint8Array,
  contentType: string | null,
  reader: XmlReader<T>,
): Result<T, string> {
  if (bytes.byteLength === 0) return err('it is empty');
  const decoded = decodeXml(bytes, contentType);
  const repaired = repairXml(decoded.text);
  if (!repaired.ok) return repaired;
  const malformed = tokenize(repaired.value.text, reader);
  const document = reader.end();
  if (!document.ok) return document;
  const encoding = decoded.problem === null ? [] : [decoded.problem];
  const mended = [...encoding, ...repaired.value.problems, ...malformed].map(
    (message): FeedProblem => ({ kind: 'repaired', message, count: 1, place: null }),
  );
  const problems = [...mended, ...document.value.problems];
  return ok({ ...document.value, problems });
}

/** Feeds the text to the reader; returns what was not well-formed. Saxes goes on after every error. */
function tokenize(text: string, reader: XmlReader<unknown>): readonly string[] {
  const parser = new SaxesParser({ xmlns: true, resolvePrefix: namespaceOfUndeclaredPrefix });
  const errors: string[] = [];
  let errorCount = 0;
  let depth = 0;
  parser.on('error', (error) => {
    errorCount++;
    if (errors.length < ERRORS_TOLD_MAX) errors.push(`not well-formed at ${error.message}`);
  });
  parser.on('opentag', (tag) => {
    depth++;
    const attributes = new Map<string, string>();
    for (const { uri, local, value } of Object.values(tag.attributes)) {
      attributes.set(qualifiedName(uri, local), value);
    }
    reader.read({ kind: 'open', name: qualifiedName(tag.uri, tag.local), attributes });
  });
  parser.on('text', (piece) => reader.read({ kind: 'text', text: piece }));
  parser.on('cdata', (piece) => reader.read({ kind: 'text', text: piece }));
  parser.on('closetag', (tag) => {
    depth--;
    reader.read({ kind: 'close', name: qualifiedName(tag.uri, tag.local) });
  });
  for (let at = 0; at < text.length && !reader.isRefused; at += CHUNK_LENGTH) {
    parser.write(text.slice(at, at + CHUNK_LENGTH));
    if (depth > DEPTH_MAX)
      return [...errors, `nested more than ${DEPTH_MAX} deep: read no further`];
  }
  if (!reader.isRefused) parser.close();
  return errorCount > errors.length
    ? [...errors, `${errorCount - errors.length} more errors of this kind`]
    : errors;
}
