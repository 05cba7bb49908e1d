import type { AgentId, FeedId, Token } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp } from '../../../test/support/api-bundle.ts';
import { dead, done, failed, held } from '../../../test/support/stage-change.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';

const alpha = 'the-long-archive' as FeedId;
const gpu = 'gpu-1' as AgentId;
const holding = held('download', {
  agent: gpu,
  session: 3,
  token: 8,
  sinceMs: Date.now() - 65_000,
});

let api: ApiBundle;
beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha);
});
afterEach(cleanUp);

const podctl = (...args: string[]) => runPodctl([...args, '--server', api.address]);

describe('job list', () => {
  test('shows what runs within 80 columns, and with --all what ended', async () => {
    const one = api.fleet.episode(alpha, 1, holding);
    api.fleet.episode(alpha, 2);
    api.fleet.episode(alpha, 2, holding);
    const two = api.fleet.episode(alpha, 2, failed('download', 'no audio', 0));
    const now = await podctl('job', 'list');
    const [head = '', line = '', ...more] = now.stdout.trimEnd().split('\n');
    expect(head).toMatch(/^JOB +FEED +AGENT +STATE +TRY +TOOK$/);
    expect(line).toMatch(
      new RegExp(`^${one.slice(0, 8)}\\.download\\.1 +the-long-archive +gpu-1 +running 0% +1 +1m`),
    );
    expect([more, line.length <= 80]).toEqual([[], true]);
    const all = await podctl('job', 'list', '--all', '--json');
    expect(JSON.parse(all.stdout)).toEqual({
      apiVersion: 'podctl/v1',
      nextPageToken: '',
      items: [
        {
          ...{ jobId: `${one}.download.1`, feedId: alpha, episodeId: one, stage: 'download' },
          ...{ run: 1, state: 'running', token: '8', agentId: 'gpu-1', attempt: 1 },
          ...{ progressRatio: 0, beganAt: expect.any(String), endedAt: null, reason: '' },
        },
        {
          ...{ jobId: `${two}.download.1`, feedId: alpha, episodeId: two, stage: 'download' },
          ...{ run: 1, state: 'failed', token: '8', agentId: 'gpu-1', attempt: 1 },
          ...{ progressRatio: 0, beganAt: expect.any(String), endedAt: expect.any(String) },
          reason: 'no audio',
        },
      ],
    });
  });

  test('of nothing says what else to look at', async () => {
    const ran = await podctl('job', 'list');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('--all');
  });
});

test('job show tells how it stands and what attempts there were', async () => {
  api.fleet.episode(alpha, 1);
  api.fleet.episode(alpha, 1, holding);
  const id = api.fleet.episode(alpha, 1, dead('download', 'no \u001b[31maudio'));
  const ran = await podctl('job', 'show', `${id.slice(0, 8)}.download`);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toContain(`Job        ${id}.download.1\n`);
  expect(ran.stdout).toMatch(/State +dead\nReason +no {1,2}\[31maudio\n/);
  expect(ran.stdout).toMatch(/Ended +attempt 1 with gpu-1, dead \d+s ago: no {1,2}\[31maudio\n/);
  const unknown = await podctl('job', 'show', 'zzzzzzzz');
  expect(unknown.code).toBe(3);
});

describe('job logs', () => {
  const say = (id: string, message: string, dropped = 0) =>
    api.fleet.say(
      gpu,
      [
        {
          ...{ atMs: Date.parse('2026-03-19T06:30:00Z'), level: 'warn', message },
          job: {
            ...{ feed: alpha, episode: id as never, stage: 'download', run: 1 },
            token: 8 as Token,
          },
        },
      ],
      dropped,
    );

  test('prints a line a line, says where some are missing, and gives JSON lines', async () => {
    const id = api.fleet.episode(alpha, 1, holding);
    say(id, 'download begins');
    say(id, 'download at 10 %', 4);
    const ran = await podctl('job', 'logs', id);
    expect(ran.stdout).toBe(
      '06:30:00Z warn  gpu-1  download begins\n-- 4 lines are missing here --\n06:30:00Z warn  gpu-1  download at 10 %\n',
    );
    const json = await podctl('job', 'logs', id, '--tail', '1', '-o', 'jsonl');
    expect(
      json.stdout
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text)),
    ).toEqual([
      {
        ...{ at: '2026-03-19T06:30:00.000Z', level: 'warn', agentId: 'gpu-1', token: '8' },
        ...{ message: 'download at 10 %', droppedBefore: 4 },
      },
    ]);
  });

  test('of a job without any says so, and is no failure', async () => {
    const ran = await podctl('job', 'logs', api.fleet.episode(alpha, 1));
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain('No lines');
  });

  test('with -f goes on until the job is over', async () => {
    const id = api.fleet.episode(alpha, 1, holding);
    say(id, 'first');
    const running = startPodctl(['job', 'logs', id, '-f', '--server', api.address]);
    await running.shows('first');
    say(id, 'second');
    await running.shows('second');
    api.fleet.episode(alpha, 1, done('download'));
    expect(await running.ended).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('job cancel', () => {
  test('cancels what runs, and says what becomes of it', async () => {
    const id = api.fleet.episode(alpha, 1, holding);
    const ran = await podctl('job', 'cancel', id.slice(0, 8), '--yes');
    expect(ran).toMatchObject({ code: 0, stdout: '' });
    expect(ran.stderr).toContain(`Canceled ${id.slice(0, 8)}.download.1. Agent gpu-1 stops it.`);
    expect(api.fleet.canceled).toMatchObject([{ episode: id, stage: 'download', token: 8 }]);
  });

  test('asks for --yes where nobody can be asked', async () => {
    const id = api.fleet.episode(alpha, 1, holding);
    const ran = await podctl('job', 'cancel', id);
    expect([ran.code, api.fleet.canceled]).toEqual([2, []]);
    expect(ran.stderr).toContain('--yes');
  });

  test('of what does not run is refused with how it stands', async () => {
    const ran = await podctl('job', 'cancel', api.fleet.episode(alpha, 1), '--yes', '--json');
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.stdout).error.message).toContain('it is waiting');
  });
});
