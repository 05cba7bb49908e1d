import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BUCKETS, CLUSTER_KEY } from '@podctl/domain/key.ts';
import { restoringRecord } from '@podctl/platform/records.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CLUSTER } from '../../../../test/support/hand-built-fleet.ts';
import { entryLine, headerLine, trailerLine } from '../core/backup.ts';
import { checkBackup } from './backup-file.ts';
import { type LoadedKey, type RestorePorts, restoreBackup } from './restore.ts';

const { signal } = new AbortController();
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-restore-'));
  file = join(folder, 'b.gz');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function linesOf(keys: number): string {
  const counts = { episodes: 0, feeds: keys };
  const head = {
    cluster: CLUSTER,
    revision: 9,
    time: '2026-11-23T00:00:00Z',
    podctl: '0',
    ...counts,
  };
  const entries = Array.from({ length: keys }, (_, i) =>
    entryLine({ bucket: 'state', key: `feed.f${i}`, value: `${i}` }),
  );
  return headerLine(head) + entries.join('');
}

function backupText(keys: number): string {
  const lines = linesOf(keys);
  return lines + trailerLine({ keys, sha256: createHash('sha256').update(lines).digest('hex') });
}

/** A server in memory, whose loading stops with an error after so many batches. */
function emptyServer() {
  const nats = new MemoryNats(new ManualClock(), { onError: () => undefined });
  const state = nats.client('r').kv(BUCKETS.state);
  const keys = new Set<string>();
  let batches = Number.POSITIVE_INFINITY;
  const ports: RestorePorts = {
    state,
    stateKeys: async () => keys.size + ((await state.get(CLUSTER_KEY)) === null ? 0 : 1),
    load: async (_bucket, some: readonly LoadedKey[]) => {
      if (some.length === 0) return;
      batches -= 1;
      if (batches < 0) throw new Error('cut off');
      for (const { key, value } of some) await state.put(keys.add(key) && key, value);
    },
    randomBytes: (count) => new Uint8Array(count).fill(3),
    library: null,
    told: () => undefined,
  };
  const cutOffAfter = (count: number) => {
    batches = count;
  };
  const cluster = async () => {
    const entry = await state.get(CLUSTER_KEY);
    return entry?.kind === 'value' ? new TextDecoder().decode(entry.value) : null;
  };
  return { ports, state, keys, cutOffAfter, cluster };
}

async function restore(ports: RestorePorts) {
  return restoreBackup(ports, file, await checkBackup(file, signal), signal);
}

test('a restore that was cut off is continued with the same file, and with no other', async () => {
  await writeFile(file, gzipSync(backupText(1_200)));
  const server = emptyServer();
  server.cutOffAfter(2);
  await expect(restore(server.ports)).rejects.toThrow('cut off');
  expect(server.keys.size).toBe(1_000);
  const half = await server.state.get(CLUSTER_KEY);
  expect(half?.kind === 'value' && restoringRecord.decode(half.value).ok).toBe(true);
  server.cutOffAfter(Number.POSITIVE_INFINITY);

  await writeFile(file, gzipSync(backupText(3)));
  await expect(restore(server.ports)).rejects.toThrow(/half of another backup/);
  await writeFile(file, gzipSync(backupText(1_200)));
  const result = await restore(server.ports);
  expect(result).toMatchObject({ keys: 1_200, freed: 0, leftOut: 0 });
  expect(await server.cluster()).toBe(JSON.stringify({ cluster: result.cluster }));
  expect(server.keys.size).toBe(1_200);

  await expect(restore(server.ports)).rejects.toThrow(/holds the state of a fleet/);
});

test('the cluster has no name before everything else is written', async () => {
  await writeFile(file, gzipSync(backupText(600)));
  const server = emptyServer();
  const names: (string | null)[] = [];
  const load: RestorePorts['load'] = async (...of) => {
    names.push(await server.cluster());
    await server.ports.load(...of);
  };
  await restore({ ...server.ports, load });
  expect(names.length).toBeGreaterThan(1);
  for (const name of names) expect(name).toContain('restoring');
});

test.each([
  ['is no gzip', () => Buffer.from('hello\n'), /is no backup of podctl: it is not gzipped/],
  ['is empty', () => Buffer.alloc(0), /is cut short/],
  ['ends in the middle', () => gzipSync(backupText(9)).subarray(0, -30), /is cut short/],
  ['has no last line', () => gzipSync(linesOf(9)), /is cut short/],
  ['has half a last line', () => gzipSync(backupText(9).slice(0, -9)), /is cut short/],
  ['lacks a key', () => gzipSync(without('["state","feed.f3","3"]\n')), /has 8 of its 9 keys/],
  ['was changed', () => gzipSync(backupText(9).replace('"3"', '"4"')), /SHA-256/],
  ['goes on', () => gzipSync(`${backupText(9)}["state","a","b"]\n`), /goes on after its end/],
  ['is of a later version', () => gzipSync(later()), /line 1 says format version 2/],
])('a file that %s is refused', async (_what, bytes, sentence) => {
  await writeFile(file, bytes());
  await expect(checkBackup(file, signal)).rejects.toThrow(sentence);
});

test('a file that is not there is one sentence', async () => {
  await expect(checkBackup(join(folder, 'none'), signal)).rejects.toThrow(/cannot be read: ENOENT/);
});

const without = (line: string) => backupText(9).replace(line, '');
const later = () => backupText(9).replace('"version":1', '"version":2');
