import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Manifest } from '@podctl/domain/manifest.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CoordinatorWorld } from '../../../../test/support/coordinator-world.ts';
import { readLine } from '../core/backup.ts';
import { BackupReader } from './backup-file.ts';
import { BackupSource } from './backup-source.ts';
import { RestoredFiles } from './restored-files.ts';

let world: CoordinatorWorld;
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-files-'));
  world = await CoordinatorWorld.start();
});
afterEach(async () => {
  await world.stop();
  await rm(folder, { recursive: true });
});

/** Takes one episode through both stages; its text is larger than a part of a backup, and cut amid a pair of surrogates. */
async function transcribed(): Promise<string> {
  const text = `x${'😀'.repeat(300_000)}`;
  await world.addFeed('show', 1);
  const agent = world.agent('a');
  await agent.hello();
  agent.heartbeat();
  await agent.complete(await agent.nextStart('download'));
  const start = await agent.nextStart('transcribe');
  const manifestSha256 = await agent.finish(start, { 'transcript.txt': text }, 30);
  await agent.verdict(start.job, { kind: 'finished', manifestSha256 });
  const done = () => world.episodes('show')[0]?.state.stages.transcribe.done ?? null;
  await world.until(() => done() !== null);
  return text;
}

async function backup(
  library: typeof world.library | null,
): Promise<{ text: string; files: number }> {
  const { coordinator } = world;
  const source = new BackupSource(
    {
      snapshot: () => coordinator.picture().snapshot,
      value: (...of) => coordinator.value(...of),
      ...{ nowMs: () => 0, version: '1', library },
    },
    new AbortController().signal,
  );
  const pieces: Uint8Array[] = [];
  let files = 0;
  for await (const news of source.run())
    if (news.kind === 'piece') pieces.push(news.data);
    else files = news.transcripts;
  return { text: Buffer.concat(pieces).toString(), files };
}

async function restoreInto(library: MemoryLibrary, text: string): Promise<number> {
  const path = join(folder, 'b.gz');
  await writeFile(path, gzipSync(text));
  const { signal } = new AbortController();
  const files = new RestoredFiles(library, signal);
  const reader = new BackupReader(path, (part) => files.take(part));
  for await (const _entry of reader.entries(signal));
  reader.checked();
  return files.written;
}

test('transcripts that were asked for are in a backup, and go into a library that has lost them', async () => {
  const text = await transcribed();
  const whole = await backup(world.library);
  expect(whole.files).toBe(1);
  const library = new MemoryLibrary(world.library.id, 1e9, () => 0);
  expect(await restoreInto(library, whole.text)).toBe(2);
  const [first, second] = await library.list('episodes', 10);
  expect(first?.path.endsWith('/manifest.json')).toBe(true);
  const heard = await library.readSmall(second?.path ?? '', 10_000_000);
  expect(new TextDecoder().decode(heard)).toBe(text);
  const manifest = JSON.parse(
    new TextDecoder().decode(await library.readSmall(first?.path ?? '', 100_000)),
  ) as Manifest;
  expect(manifest.files[0]?.sha256).toBe(createHash('sha256').update(heard).digest('hex'));
  // What is there stays as it is.
  expect(await restoreInto(library, whole.text)).toBe(0);
  expect((await backup(null)).text).not.toContain('"file"');
});

test('a changed backup writes nothing but transcripts', () => {
  const line = (file: unknown) => readLine(JSON.stringify({ file, text: 'x', last: true })).ok;
  const folderOf = (stage: string) => `episodes/show/${'a'.repeat(26)}/${stage}/r1-5`;
  expect(line(`${folderOf('transcribe')}/transcript.txt`)).toBe(true);
  for (const path of [
    `${folderOf('download')}/audio.mp3`,
    `${folderOf('transcribe')}/../x`,
    `${folderOf('transcribe')}/.hidden`,
    'library.json',
    '/etc/passwd',
    7,
  ])
    expect(line(path), String(path)).toBe(false);
});
