import { err, ok, type Result } from '../result.ts';
import { decodeXml } from './encoding.ts';
import type { FeedProblem } from './feed-problem.ts';
import { XmlScanner, type XmlSink } from './xml-scanner.ts';
import { startOfXml } from './xml-start.ts';

/** Folds the events of one document. */
export interface XmlReader<T> extends XmlSink {
  end(): Result<T, string>;
}

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
  const started = startOfXml(decoded.text);
  if (!started.ok) return started;
  const damages = new XmlScanner(started.value.text, reader).run();
  const document = reader.end();
  if (!document.ok) return document;
  const problems = [
    ...document.value.problems,
    ...decoded.problems,
    ...started.value.problems,
    ...damages,
  ];
  return ok({ ...document.value, problems });
}
