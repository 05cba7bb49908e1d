import { readdir, readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@podctl/domain/result.ts';

const SAMPLE = fileURLToPath(new URL('../../examples/sample', import.meta.url));

/** Audio that was read out from a known text. */
export interface SpokenFile {
  readonly name: string;
  readonly audio: Uint8Array;
  readonly text: string;
}

/**
 * Speech in mixed lengths: each file is so many of the nine samples (about 35 s each) one after the other. MP3 frames stand
 * for themselves, so the files are joined as they are.
 *
 * @param parts for each file how many samples.
 */
export async function spokenFiles(parts: readonly number[]): Promise<readonly SpokenFile[]> {
  const samples = await readSamples();
  let next = 0;
  return parts.map((count, i) => {
    const taken = Array.from({ length: count }, () => {
      const sample = samples[next % samples.length];
      invariant(sample !== undefined, 'there are samples');
      next += 1;
      return sample;
    });
    return {
      name: `speech-${String(i + 1).padStart(2, '0')}.mp3`,
      audio: Buffer.concat(taken.map(({ audio }) => audio)),
      text: taken.map(({ text }) => text).join('\n'),
    };
  });
}

async function readSamples(): Promise<readonly { audio: Uint8Array; text: string }[]> {
  const paths = await readdir(SAMPLE, { recursive: true });
  const stems = paths.filter((path) => path.endsWith('.mp3')).map((path) => path.slice(0, -4));
  return Promise.all(
    stems.sort().map(async (stem) => ({
      audio: await readFile(join(SAMPLE, `${stem}.mp3`)),
      text: await readFile(join(SAMPLE, `${stem}.txt`), 'utf8'),
    })),
  );
}

/** A host of this machine with one feed for each list of files, at `/<name>/feed.xml`. */
export async function serveFeeds(
  feeds: ReadonlyMap<string, readonly SpokenFile[]>,
): Promise<{ readonly url: (feed: string) => string; readonly server: Server }> {
  const server = createServer((request, response) => {
    const [, feed = '', name = ''] = (request.url ?? '').split('/');
    const files = feeds.get(feed) ?? [];
    const file = files.find((one) => one.name === name);
    if (name === 'feed.xml') response.end(feedXml(feed, files, `http://${request.headers.host}`));
    else if (file === undefined) response.writeHead(404).end();
    else response.setHeader('content-type', 'audio/mpeg').end(file.audio);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { url: (feed) => `http://127.0.0.1:${port}/${feed}/feed.xml`, server };
}

function feedXml(feed: string, files: readonly SpokenFile[], base: string): string {
  const items = files.map(
    ({ name, audio }) =>
      `<item><guid>${feed}-${name}</guid><title>${name}</title><enclosure url="${base}/${feed}/${name}" type="audio/mpeg" length="${audio.length}"/></item>`,
  );
  return `<?xml version="1.0"?><rss version="2.0"><channel><title>${feed}</title>${items.join('')}</channel></rss>`;
}
