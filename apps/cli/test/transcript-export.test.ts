import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp } from '../../../test/support/api-bundle.ts';
import { done, unwanted } from '../../../test/support/stage-change.ts';
import { lockId } from '../../coordinator/src/core/snapshot.ts';
import { CoordinatorClient } from '../src/client.ts';
import {
  type ExportedEpisode,
  type ExportWish,
  exportEpisodes,
  transcribedIds,
} from '../src/export/transcript-export.ts';
import { runPodctl } from './run-podctl.ts';

const alpha = 'alpha' as FeedId;
let api: ApiBundle;
let client: CoordinatorClient;
let folder: string;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha, { title: 'The ../alpha show' });
  folder = join(api.root, 'texts');
  const endpoint = { addresses: [api.address], origin: 'test', ca: null, token: null };
  client = new CoordinatorClient(endpoint, 5_000);
});

afterEach(async () => {
  client.close();
  await cleanUp();
});

/** A transcribed episode with this text; what is announced may be something else. */
async function transcribed(
  n: number,
  text: string,
  announced = text,
  ending = 'txt',
): Promise<EpisodeId> {
  const id = api.fleet.episode(alpha, n, (state) => done('transcribe')(done('download', 9)(state)));
  const path = `episodes/alpha/${id}/transcribe/r1-5/transcript.${ending}`;
  await api.put(path, text);
  const sha256 = createHash('sha256').update(announced).digest('hex');
  const sizeBytes = Buffer.byteLength(announced);
  const file = { path, readablePath: 'transcript.txt', sizeBytes, sha256 };
  api.fleet.files.set(lockId(alpha, id, 'transcribe'), [file]);
  const publishedMs = Date.UTC(2026, 0, n);
  const facts = { feedTitle: 'x', title: `Part ${n}: */ <end>`, guid: null, publishedMs };
  const meta = { ...facts, key: 'k', url: 'http://127.0.0.1/x', durationSecondsEstimate: null };
  api.fleet.metas.set(id, meta);
  return id;
}

async function exported(wish: Partial<ExportWish> = {}): Promise<ExportedEpisode['kind'][]> {
  const all = { feed: '', since: undefined, format: 'txt', folder, dryRun: false } as const;
  const kinds: ExportedEpisode['kind'][] = [];
  const ids = await transcribedIds(client, '');
  for await (const { kind } of exportEpisodes(client, ids, { ...all, ...wish })) kinds.push(kind);
  return kinds.sort();
}

const files = async () =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .sort();

test('each transcript becomes a file with a readable name that stays in the folder', async () => {
  const first = await transcribed(1, 'One.\n');
  api.fleet.episode(alpha, 2);
  expect(await exported()).toEqual(['written']);
  const [name = ''] = await files();
  expect(name).toBe(`The ..-alpha show/2026-01-01 - Part 1- -- -end- [${first.slice(0, 8)}].txt`);
  expect(await readFile(join(folder, name), 'utf8')).toBe('One.\n');
});

test('an episode whose new run was canceled is exported as it stands', async () => {
  await transcribed(1, 'One.\n');
  const both = (state: EpisodeState) => done('transcribe')(done('download', 9)(state));
  api.fleet.episode(alpha, 1, (state) => unwanted('transcribe', 'canceled')(both(state)));
  expect(await exported()).toEqual(['written']);
});

test('what is there with the same content is left alone, what is not is written anew', async () => {
  await transcribed(1, 'One.\n');
  await transcribed(2, 'Two.\n');
  expect(await exported()).toEqual(['written', 'written']);
  const [one = '', two = ''] = (await files()).map((name) => join(folder, name));
  const { mtimeMs } = await stat(one);
  await writeFile(two, 'Half');
  expect(await exported()).toEqual(['kept', 'written']);
  expect((await stat(one)).mtimeMs).toBe(mtimeMs);
  expect(await readFile(two, 'utf8')).toBe('Two.\n');
});

test('Markdown that was not kept is made of the JSON, once', async () => {
  const json = '{"format":"podctl-transcript","version":1,"segments":[{"text":"One.","words":[]}]}';
  await transcribed(1, json, json, 'json');
  await transcribed(2, 'Two.\n');
  expect(await exported({ format: 'md' })).toEqual(['passed', 'written']);
  const [name = ''] = await files();
  expect(name).toMatch(/\.md$/);
  expect(await readFile(join(folder, name), 'utf8')).toMatch(
    /^---\ntitle: "Part 1: .*\n# Part 1: \\\*\/ \\<end\\>\n\n\*x, 2026-01-01\*\n\n\*\*0:00:00\*\* One\.\n$/s,
  );
  expect(await exported({ format: 'md' })).toEqual(['kept', 'passed']);
});

test('--since passes over what was published before', async () => {
  await transcribed(1, 'One.\n');
  await transcribed(3, 'Three.\n');
  expect(await exported({ since: new Date('2026-01-02') })).toEqual(['passed', 'written']);
});

test('bytes that are not those that were accepted are not written', async () => {
  await transcribed(1, 'One.\n', 'Eno.\n');
  await transcribed(2, 'Two.\n');
  expect(await exported()).toEqual(['failed', 'written']);
  expect(await files()).toHaveLength(1);
});

test('a folder that cannot be written ends it with one sentence, and a dry run writes nothing', async () => {
  await transcribed(1, 'One.\n');
  const run = (...args: string[]) =>
    runPodctl(['transcript', 'export', '--to', folder, ...args, '--server', api.address]);
  const dry = await run('--dry-run');
  expect(dry.stdout).toMatch(/Part 1.*\.txt\n$/);
  expect(dry.stderr).toMatch(/Would write 1 transcript to .*; 0 were there already, 0 failed/);
  await mkdir(dirname(folder), { recursive: true });
  await writeFile(folder, 'a file');
  const ran = await run();
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/^podctl: the transcripts cannot be written: .*\.$/m);
}, 20_000);
