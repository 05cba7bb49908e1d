import { createHash } from 'node:crypto';
import type { AgentId, FeedId, Token } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp } from '../../../test/support/api-bundle.ts';
import { done, held } from '../../../test/support/stage-change.ts';
import { runPodctl } from './run-podctl.ts';

const alpha = 'alpha' as FeedId;

let api: ApiBundle;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
});
afterEach(cleanUp);

const podctl = (...args: string[]) => runPodctl([...args, '--server', api.address]);

describe('lock release', () => {
  const gpu = 'gpu-1' as AgentId;

  test('takes the lock away, and says from whom and what to do next', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    const ran = await podctl('lock', 'release', id.slice(0, 8), 'download', '--yes', '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      episodeId: id.slice(0, 8),
      stage: 'download',
      token: '8',
      agentId: 'gpu-1',
    });
    expect(api.fleet.released).toMatchObject([{ episode: id, token: 8 }]);
  });

  test('asks for --yes, and never for an answer', async () => {
    const ran = await podctl('lock', 'release', 'aaaaaaaa', 'download');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('add --yes');
    expect(api.fleet.released).toEqual([]);
  });

  test('of an accepted result is refused with the code of a conflict', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    api.fleet.releaseAnswer = { kind: 'committed' };
    const ran = await podctl('lock', 'release', id, 'download', '--yes');
    expect(ran).toMatchObject({ code: 8, stdout: '' });
    expect(ran.stderr).toContain('is accepted');
  });
});

describe('lock show', () => {
  const gpu = 'gpu-1' as AgentId;

  test('tells who holds it, with which token, at which attempt', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    const ran = await podctl('lock', 'show', id.slice(0, 8), '--json');
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      ...{ episodeId: id, stage: 'download', state: 'held', token: '8', agentId: 'gpu-1' },
      ...{ jobId: `${id}.download.1`, attempt: 1, progressRatio: 0, stale: expect.any(Boolean) },
    });
    const text = (await podctl('lock', 'show', id, 'download')).stdout;
    expect(text).toContain('Agent      gpu-1, session 3\nToken      8, epoch');
  });

  test('of a stage that nobody holds ends with 3', async () => {
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    const ran = await podctl('lock', 'show', id, 'transcribe');
    expect([ran.code, ran.stderr]).toEqual([3, expect.stringContaining('podctl lock list')]);
  });
});

describe('library verify', () => {
  /** An episode whose download is accepted, with its files in the library. */
  async function accepted(n: number, text: string): Promise<string> {
    const sha = (value: string) => createHash('sha256').update(value).digest('hex');
    const change = done('download');
    const id = api.fleet.episode(alpha, n);
    const folder = acceptedFolder(alpha, id, 'download', 1, 5 as Token);
    const files = [{ name: 'audio.mp3', sizeBytes: text.length, sha256: sha(text) }];
    const manifest = JSON.stringify({
      ...{ version: 1, cluster: api.fleet.information.cluster, feed: alpha, episode: id },
      ...{ stage: 'download', run: 1, token: 5, agent: 'gpu-1', session: 3, files },
      ...{ audioSeconds: 30, details: {} },
    });
    await api.put(`${folder}/audio.mp3`, text);
    await api.put(`${folder}/manifest.json`, manifest);
    api.fleet.episode(alpha, n, (state) => {
      const next = change(state);
      const { download } = next.stages;
      if (download.done === null) throw new Error('not done');
      const ref = { ...download.done.manifest, sha256: sha(manifest) };
      const stages = {
        ...next.stages,
        download: { ...download, done: { ...download.done, manifest: ref } },
      };
      return { ...next, stages };
    });
    return `${folder}/audio.mp3`;
  }

  test('of a whole library ends with 0', async () => {
    await accepted(1, 'one');
    const ran = await podctl('library', 'verify', '--json');
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({
      checked: 1,
      damaged: 0,
      bytes: 3,
      findings: [],
    });
    // And what came of it is remembered.
    const shown = await podctl('library', 'status');
    expect([shown.code, shown.stderr]).toEqual([0, '']);
    expect(shown.stdout).toMatch(/^Library {5}file:\/.*\(a folder\)\nId {10}[a-z2-7]{16}\n/);
    expect(shown.stdout).toMatch(/State {7}online\nHolds {7}1 result in \d+ files?, .*\nFree /);
    expect(shown.stdout).toMatch(/Verified {4}\S+ ago: 1 result, 0 damaged, 0 unknown files\n$/);
  });

  test('ends with 7 and names what differs; --repair has it done again', async () => {
    for (let n = 1; n <= 20; n += 1) await accepted(n, `episode ${n}`);
    const changed = await accepted(21, 'twenty-one');
    await api.put(changed, 'TWENTY-ONE');
    await api.put('episodes/stray.txt', 'x');
    const ran = await podctl('library', 'verify', '--repair');
    expect(ran.code).toBe(7);
    expect(ran.stdout).toContain(`wrong SHA-256: ${changed} (`);
    expect(ran.stdout).toContain('unknown: episodes/stray.txt (nothing accepted');
    expect(ran.stderr).toContain('Compared 21 results');
    expect(ran.stderr).toContain('Asked for 1 run again');
    expect(api.fleet.repeated).toMatchObject([{ stage: 'download', run: 1 }]);
  });
});
