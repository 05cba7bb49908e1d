import { createReadStream } from 'node:fs';
import { OPML_FEEDS_MAX, type OpmlFeed, OpmlReader } from '@podctl/domain/feed/opml.ts';
import type { Result } from '@podctl/domain/result.ts';
import { readXml } from '@podctl/platform/xml.ts';
import { CommandError, EXIT } from './command-error.ts';

const BYTES_MAX = 64 * 1024 * 1024;

/** Feeds that somebody listed, and what was wrong with the list. */
export interface FeedSource {
  readonly feeds: readonly OpmlFeed[];
  /** One sentence each. */
  readonly problems: readonly string[];
}

/** An OPML file; `-` is stdin. Relative URLs are resolved against `baseUrl`. Throws CommandError. */
export async function readOpml(path: string, baseUrl: string | null): Promise<FeedSource> {
  const parsed = parseOpml(await readInput(path), baseUrl);
  if (parsed.ok && parsed.value.feeds.length === 0)
    throw new CommandError(EXIT.usage, `${nameOf(path)} lists no feed: no outline has an xmlUrl`);
  if (parsed.ok) return parsed.value;
  throw new CommandError(EXIT.usage, `${nameOf(path)} is not a list of feeds: ${parsed.error}`);
}

/** One URL a line; empty lines and lines that begin with # are passed over. Throws CommandError. */
export async function readUrlLines(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readInput(path));
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function parseOpml(bytes: Uint8Array, baseUrl: string | null): Result<FeedSource, string> {
  return readXml(bytes, null, new OpmlReader({ baseUrl, feedsMax: OPML_FEEDS_MAX }));
}

async function readInput(path: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let sizeBytes = 0;
  try {
    const input: AsyncIterable<Buffer> = path === '-' ? process.stdin : createReadStream(path);
    for await (const piece of input) {
      sizeBytes += piece.byteLength;
      if (sizeBytes > BYTES_MAX)
        throw new Error(`it is larger than ${BYTES_MAX / 1024 / 1024} MiB`);
      pieces.push(piece);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(EXIT.usage, `${nameOf(path)} cannot be read: ${why}`, error);
  }
  return Buffer.concat(pieces);
}

function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path;
}
