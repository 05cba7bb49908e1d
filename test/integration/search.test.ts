import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, status } from '@grpc/grpc-js';
import { systemClock } from '@podctl/platform/clock.ts';
import { TranscriptServiceClient } from '@podctl/proto/podctl/v1/transcript.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GrpcServer } from '../../apps/coordinator/src/api/grpc-server.ts';
import { TranscriptIndex } from '../../apps/coordinator/src/shell/transcript-index.ts';
import type { AgentDouble } from '../support/agent-double.ts';
import { ask, failure } from '../support/api-bundle.ts';
import { CoordinatorWorld } from '../support/coordinator-world.ts';
import { spokenJson } from '../support/search-world.ts';

const quiet = { info: () => {}, warn: () => {}, error: () => {}, debug: () => {} };

let world: CoordinatorWorld;
let folder: string;
let index: TranscriptIndex;
let server: GrpcServer;
let client: TranscriptServiceClient;

beforeEach(async () => {
  world = await CoordinatorWorld.start();
  folder = await mkdtemp(join(tmpdir(), 'podctl-search-'));
  const of = { fleet: world.coordinator, clock: systemClock };
  index = new TranscriptIndex({ ...of, folder, log: quiet });
  world.told.add((events) => index.noted(events));
  server = new GrpcServer({
    ...{ ...of, listen: { host: '127.0.0.1', port: 0 }, security: null, search: index },
    ...{ onCall: () => {}, onBug: () => {}, onAudit: () => {}, onRefused: () => {} },
  });
  await server.start();
  await index.start();
  client = new TranscriptServiceClient(
    `127.0.0.1:${server.address?.port}`,
    credentials.createInsecure(),
  );
});

afterEach(async () => {
  client.close();
  await server.stop();
  await index.stop();
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

const search = (query: string, more = {}) =>
  ask(client.searchTranscripts.bind(client), {
    ...{ query, feedId: '', since: undefined, pageSize: 0, pageToken: '' },
    ...more,
  });

/** Downloads the next episode, and transcribes it as this. */
async function transcribed(agent: AgentDouble, ...sentences: string[]): Promise<string> {
  await agent.complete(await agent.nextStart('download'));
  const start = await agent.nextStart('transcribe');
  const files = { 'transcript.txt': 't', 'transcript.json': spokenJson(...sentences) };
  const manifestSha256 = await agent.finish(start, files, 30);
  await agent.verdict(start.job, { kind: 'finished', manifestSha256 });
  return start.job.episode;
}

test('what an agent transcribed is found over gRPC, with feed, episode, time and what is said', async () => {
  await world.addFeed('alpha', 2);
  const agent = world.agent('a1');
  await agent.hello({ download: 1, transcribe: 1 });
  const first = await transcribed(agent, 'Nothing of it.', 'The long case clock.');
  await transcribed(agent, 'Another clock.');
  await expect.poll(() => index.status(), { timeout: 8_000 }).toMatchObject({ indexed: 2 });

  const answer = await search('"long case"');
  expect(answer).toMatchObject({ nextPageToken: '', indexedEpisodes: 2n, behindEpisodes: 0n });
  expect(answer.hits).toEqual([
    {
      ...{ feedId: 'alpha', feedTitle: 'The alpha show', episodeId: first },
      ...{ title: expect.stringMatching(/^Part [01]$/), startSeconds: 10 },
      publishedAt: new Date('2026-01-05T10:00:00Z'),
      snippet: [
        { text: 'Nothing of it. The ', matched: false },
        { text: 'long case', matched: true },
        { text: ' clock.', matched: false },
      ],
    },
  ]);

  const page = await search('clock', { pageSize: 1 });
  const rest = await search('clock', { pageSize: 1, pageToken: page.nextPageToken });
  expect(rest.nextPageToken).toBe('');
  expect(new Set([...page.hits, ...rest.hits].map(({ episodeId }) => episodeId)).size).toBe(2);
  expect((await search('clock', { since: new Date('2026-01-06') })).hits).toEqual([]);
  expect((await search('clock', { feedId: 'alpha' })).hits).toHaveLength(2);
}, 10_000);

test('a request that cannot be answered says what to give', async () => {
  const said = async (query: string, more = {}) => {
    const { code, details } = await failure(search(query, more));
    return [status[code], details];
  };
  expect(await said('-clock')).toEqual([
    'INVALID_ARGUMENT',
    'the query has no word to look for: give a word, "a phrase", or begin*',
  ]);
  expect(await said('clock', { feedId: 'gamma' })).toEqual([
    'NOT_FOUND',
    expect.stringContaining('gamma'),
  ]);
  expect((await said('clock', { pageSize: 101 }))[1]).toMatch(/give 1 to 100/);
  expect((await said('clock', { pageToken: 'c3h4' }))[1]).toMatch(/begin again without one/);
});
