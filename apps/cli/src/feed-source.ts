import { createReadStream } from 'node:fs';
import { OPML_FEEDS_MAX, type OpmlFeed, OpmlReader } from '@podctl/domain/feed/opml.ts';
import { readXml } from '@podctl/domain/feed/read-xml.ts';
import { normalizeFeedUrl } from '@podctl/domain/feed/url.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import { withoutSecrets } from '@podctl/platform/redaction.ts';
import { CommandError, EXIT } from './command-error.ts';
import { whyNotRead } from './file-error.ts';

const BYTES_MAX = 64 * 1024 * 1024;
const ADVICE = 'name an OPML file that this user may read, or - for stdin';

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
    throw new CommandError(EXIT.usage, `${nameOf(path)} lists no feed: ${whyEmpty(parsed.value)}`);
  if (parsed.ok) return parsed.value;
  throw new CommandError(EXIT.usage, `${nameOf(path)} is not a list of feeds: ${parsed.error}`);
}

/** The value of `--feed`. Throws CommandError (usage): whatever is no URL is told before anything starts. */
export function feedUrl(text: string): string {
  if (normalizeFeedUrl(text).ok) return text;
  // Without a scheme, too, it may begin with a password.
  const shown = text.includes('://')
    ? withoutSecrets(text)
    : withoutSecrets(`x://${text}`).slice(4);
  const value = JSON.stringify(shown.slice(0, 200));
  const advice = /\.(?:opml|xml)$/i.test(text)
    ? 'a file with a list of feeds is given by --opml'
    : 'expected one that begins with http:// or https://';
  throw new CommandError(EXIT.usage, `--feed ${value} is not the URL of a feed; ${advice}`);
}

/** One URL a line; empty lines and lines that begin with # are passed over. Throws CommandError. */
export async function readUrlLines(path: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readInput(path));
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('#'));
}

function whyEmpty({ problems }: FeedSource): string {
  return problems.length === 0 ? 'no outline has an xmlUrl' : problems.join('; ');
}

function parseOpml(bytes: Uint8Array, baseUrl: string | null): Result<FeedSource, string> {
  const list = readXml(bytes, null, new OpmlReader({ baseUrl, feedsMax: OPML_FEEDS_MAX }));
  if (!list.ok) return list;
  const { feeds, problems } = list.value;
  return ok({ feeds, problems: problems.map(({ message }) => message) });
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
    throw new CommandError(EXIT.usage, `${whyNotRead(nameOf(path), error)}; ${ADVICE}`, error);
  }
  return Buffer.concat(pieces);
}

function nameOf(path: string): string {
  return path === '-' ? 'stdin' : path;
}
