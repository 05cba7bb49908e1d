import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readJsonFile, writeJsonFile } from '@podctl/platform/json-file.ts';
import type { FeedToAdd } from '../feed-adding.ts';
import { readOpml } from '../feed-source.ts';
import { type SampleServer, startSampleServer } from './sample-server.ts';

const SAMPLE_FOLDER = fileURLToPath(new URL('../../../../examples/sample', import.meta.url));

/** Serves the sample archive on the port of last time where it is free: the feeds' URLs stay the same then. */
export async function serveSample(portFile: string): Promise<SampleServer> {
  const kept = await readJsonFile(portFile);
  const server = await startSampleServer(
    SAMPLE_FOLDER,
    typeof kept?.port === 'number' ? kept.port : null,
  );
  if (kept?.port !== server.port) await writeJsonFile(portFile, { port: server.port });
  return server;
}

/** The sample's feeds under ids of their own, so that a new port moves them instead of adding them again. */
export async function sampleFeeds(baseUrl: string): Promise<FeedToAdd[]> {
  const list = await readOpml(join(SAMPLE_FOLDER, 'sample.opml'), baseUrl);
  return list.feeds.map(({ url, title }) => ({
    url,
    title,
    bookScore: undefined,
    feedId: new URL(url).pathname.split('/')[1] ?? '',
  }));
}
