import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp } from '../../../test/support/api-bundle.ts';
import { done, held } from '../../../test/support/stage-change.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';

const gpu = 'gpu-1' as AgentId;
const alpha = 'alpha' as FeedId;
let api: ApiBundle;
let session: number;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
  session = api.fleet.agent(gpu);
});
afterEach(cleanUp);

const podctl = (...args: string[]) => runPodctl(['agent', ...args, '--server', api.address]);
const holdOne = () =>
  api.fleet.episode(alpha, 1, (state) =>
    held('transcribe', { agent: gpu, session, token: 8 })(done('download', 90)(state)),
  );
const cordonOf = () => api.fleet.snapshot.cordons.get(gpu)?.record;

test('cordon and uncordon say what changed and what to do next', async () => {
  const cordoned = await podctl('cordon', 'gpu-1', '--reason', 'new disk');
  expect(cordoned).toMatchObject({ code: 0, stdout: '' });
  expect(cordoned.stderr).toMatch(/^gpu-1 is given no new work\. .*"podctl agent uncordon gpu-1"/);
  expect(cordonOf()).toMatchObject({ kind: 'cordoned', reason: 'new disk' });
  const show = await podctl('show', 'gpu-1');
  expect(show.stdout).toMatch(/State {6}cordoned\nCordon {5}cordoned for .*: new disk\n/);
  expect((await podctl('uncordon', 'gpu-1')).stderr).toContain('gpu-1 is given work again');
  expect(cordonOf()).toMatchObject({ kind: 'open' });
});

describe('drain', () => {
  test('waits till nothing is held, and says that the agent stays and idles', async () => {
    holdOne();
    const args = ['agent', 'drain', 'gpu-1', '--deadline', '30m', '--server', api.address];
    const running = startPodctl(args);
    await running.shows('1 job left: transcribe alpha/');
    expect(cordonOf()).toMatchObject({ kind: 'draining', deadlineMs: expect.any(Number) });
    api.fleet.cordon(gpu, { kind: 'drained' });
    const ran = await running.ended;
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('gpu-1 is drained: it holds nothing. It stays and idles');
  });

  test('goes on when the one who waits leaves: 130', async () => {
    holdOne();
    const running = startPodctl(['agent', 'drain', 'gpu-1', '--server', api.address]);
    await running.shows('1 job left');
    running.child.kill('SIGINT');
    const ran = await running.ended;
    expect(ran.code).toBe(130);
    expect(ran.stderr).toContain('gpu-1 goes on draining');
    expect(cordonOf()).toMatchObject({ kind: 'draining' });
  });

  test('leaves at once with --detach, and with 6 when it takes too long', async () => {
    holdOne();
    const detached = await podctl('drain', 'gpu-1', '--detach', '--json');
    expect(JSON.parse(detached.stdout)).toMatchObject({
      ...{ agentId: 'gpu-1', drained: false, cordon: { kind: 'draining', deadline: null } },
      jobs: [{ token: '8', audioSeconds: 90 }],
    });
    const late = await podctl('drain', 'gpu-1', '--give-up-after', '10ms');
    expect(late.code).toBe(6);
    expect(late.stderr).toContain('goes on draining');
  });

  test('takes the agent of this machine with --self, and says where there is none', async () => {
    const root = await mkdtemp(join(tmpdir(), 'podctl-self-'));
    try {
      const nobody = await podctl('drain', '--self', '--root', root, '--data-dir', `${root}/data`);
      expect(nobody.code).toBe(3);
      expect(nobody.stderr).toContain('no agent is installed on this machine');
      await mkdir(join(root, 'etc/podctl'), { recursive: true });
      await writeFile(join(root, 'etc/podctl/agent.yaml'), 'agent:\n  id: "gpu-1"\n');
      const detached = await podctl('drain', '--self', '--detach', '--root', root);
      expect(detached).toMatchObject({ code: 0 });
      expect(cordonOf()).toMatchObject({ kind: 'draining' });
    } finally {
      await rm(root, { recursive: true });
    }
    expect((await podctl('drain', 'gpu-1', '--self')).code).toBe(2);
  });
});

test('top shows how busy those are that are there', async () => {
  holdOne();
  api.fleet.agent('gpu-2' as AgentId, { state: 'lost', session: 3 });
  const top = await podctl('top');
  expect(top.stdout).toContain('AGENT');
  expect(top.stdout).toMatch(/gpu-1 +live +0\/4 +1\/1 +- +- +- +alpha 0%/);
  expect(top.stdout).not.toContain('gpu-2');
});
