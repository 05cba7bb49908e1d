import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  clockFeed,
  doneEvent,
  type FixedCoordinator,
  overview,
  snapshotOf,
  startFixedCoordinator,
} from './fixed-coordinator.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';

let coordinator: FixedCoordinator;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-commands-'));
  coordinator = await startFixedCoordinator([
    clockFeed,
    { ...clockFeed, feedId: 'the-tuesday-bench', title: '火曜日のベンチ' },
  ]);
});

afterAll(async () => {
  await coordinator.stop();
  await rm(folder, { recursive: true, force: true });
});

const podctl = (...args: string[]) => runPodctl([...args, '--server', coordinator.address]);

describe.concurrent('lists', () => {
  test('feed list gathers every page into one aligned table', async () => {
    const ran = await podctl('feed', 'list');
    expect(ran.code).toBe(0);
    const [heads, first, second] = ran.stdout.split('\n');
    expect(heads).toMatch(/^FEED +TITLE +EPISODES +DL% +TX% +DEAD +BOOKS +READ +STATE$/);
    expect(first).toMatch(/^the-clockmakers +The Clockmakers +3 +66 +33 +0 +3 +\d+d\d\dh +active$/);
    expect(second).toMatch(/^the-tuesday-bench +火曜日のベンチ +3 +66/);
  });

  test('--json and -o json print one list document and nothing else', async () => {
    const ran = await podctl('feed', 'list', '--json');
    const document: unknown = JSON.parse(ran.stdout);
    expect(document).toMatchObject({
      apiVersion: 'podctl/v1',
      nextPageToken: '',
      items: [
        {
          feedId: 'the-clockmakers',
          state: 'active',
          downloadedRatio: 2 / 3,
          audioTranscribedSeconds: 31.5,
          lastSuccessAt: '2026-03-19T06:30:00.000Z',
          stalledSince: null,
        },
        { feedId: 'the-tuesday-bench' },
      ],
    });
    expect(JSON.parse((await podctl('feed', 'list', '-o', 'json')).stdout)).toEqual(document);
  });

  test('--limit stops early and tells how to go on', async () => {
    const ran = await podctl('feed', 'list', '--limit', '1', '--no-headers');
    expect(ran.stdout.trim().split('\n')).toHaveLength(1);
    expect(ran.stderr).toContain('--page-token 1');
    const rest = await podctl('feed', 'list', '--page-token', '1', '--no-headers');
    expect(rest.stdout).toMatch(/^the-tuesday-bench/);
  });

  test('episode, agent and lock lists carry ids as strings', async () => {
    const items = async (...args: string[]) =>
      JSON.parse((await podctl(...args, '--json')).stdout).items[0];
    expect(await items('episode', 'list')).toMatchObject({
      audioSeconds: 31.5,
      stages: [{ state: 'done' }, { state: 'running', token: '17', progressRatio: 0.5 }],
    });
    expect(await items('agent', 'list')).toMatchObject({ state: 'live', session: '9' });
    expect(await items('lock', 'list')).toMatchObject({ token: '17', stale: true, state: 'held' });
    expect((await podctl('lock', 'list')).stdout).toContain('held, stale');
  });

  test('host list tells which hosts are left alone, until when and why', async () => {
    const { stdout } = await podctl('host', 'list');
    expect(stdout).toMatch(/^HOST +LIMIT +IN USE +WAITING +COOLING UNTIL +WHY +FEEDS/);
    expect(stdout).toMatch(/audio\.example\.org +4 +1 +12 +- +- +3/);
    expect(stdout).toMatch(
      /cdn\.example\.org +0 of 4 +1 +12 +2100-01-02T03:04:05.000Z +The host says .*\(429\)/,
    );
    const asked = await podctl('host', 'list', '--json', '--sort-by=-strikes');
    expect(JSON.parse(asked.stdout).items).toMatchObject([
      { host: 'cdn.example.org', state: 'cooling', strikes: 2 },
      { host: 'audio.example.org', state: 'open', coolingUntil: null, why: '' },
    ]);
  });
});

describe.concurrent('one thing', () => {
  test('episode show prints stages and files, and no control characters of a title', async () => {
    const ran = await podctl('episode', 'show', 'abcd');
    expect(ran.stdout).toContain('transcribe running, 50% on local, token 17');
    expect(ran.stdout).toContain('the-clockmakers/clock-01.txt');
    expect(ran.stdout).not.toContain('\u001b');
  });

  test('agent list -o wide and agent show tell of GPUs, and let no name of one steer the terminal', async () => {
    const wide = (await podctl('agent', 'list', '-o', 'wide')).stdout;
    expect(wide).toMatch(/GPU +UTIL +MEM +TEMP +DRIVER/);
    expect(wide).toMatch(/RTX \[31m 4090 Agent +other +97% +9\.1 GB\/24 GB +67C +550\.127\.05/);
    const { stdout } = await podctl('agent', 'show', 'local');
    expect(stdout).toContain('550.127.05, GPU-1)\n           97% busy, 9.1 GB of 24 GB, 67C\n');
    expect(`${wide}${stdout}`).not.toContain('\u001b');
    expect(stdout.match(/^Agent/gm)).toHaveLength(1);
  });

  test('agent show gives one object as JSON, absent figures as null, and 3 for an unknown name', async () => {
    const { stdout } = await podctl('agent', 'show', 'local', '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      agentId: 'local',
      gpus: [{ memorySizeBytes: 24e9, utilizationRatio: 0.97, powerWatts: null }],
      gpuProblem: '',
    });
    const unknown = await podctl('agent', 'show', 'nobody');
    expect([unknown.code, unknown.stdout]).toEqual([3, '']);
    expect(unknown.stderr).toContain('no agent has that name');
  });

  test('transcript get writes the pieces as they are', async () => {
    expect((await podctl('transcript', 'get', 'abcd')).stdout).toBe('one long case\n');
  });

  test('transcript versions tells runs apart, and which one is current', async () => {
    const { stdout } = await podctl('transcript', 'versions', 'abcd', '--time', 'iso');
    const words = stdout.trimEnd().split('\n').slice(1);
    expect(words.map((line) => line.trim().split(/ {2,}/))).toEqual([
      [
        '2',
        'current',
        '2026-01-01T00:00:00.000Z',
        'faster-whisper 1.2.1',
        'large-v3',
        'en',
        '3',
        '0.93',
      ],
      ['1', 'kept', '2026-01-01T00:00:00.000Z', 'faster-whisper 1.2.1', 'tiny.en', 'en', '3', '-'],
    ]);
  });

  test('status leads with the health and --exit-status is 0 when all is well', async () => {
    const ran = await podctl('status', '--exit-status');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toMatch(/^Health +ok: all is well\n/);
  });

  test('version shows both sides, and without a server it still succeeds', async () => {
    expect((await podctl('version')).stdout).toContain('nats-server 2.15.1');
    const alone = await runPodctl(['version', '--json', '--data-dir', folder]);
    expect(alone.code).toBe(0);
    expect(JSON.parse(alone.stdout)).toMatchObject({ server: null });
  });
});

describe('feed add', () => {
  test('takes URLs from arguments and stdin, and says what changed and what is next', async () => {
    const ran = await runPodctl(
      [
        'feed',
        'add',
        'https://a.example/feed',
        '-',
        '--book-score',
        '8',
        '--server',
        coordinator.address,
      ],
      { input: '# private\nhttps://b.example/feed\n\n' },
    );
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain('Added 2 feeds. Follow the work with "podctl watch".');
    expect(coordinator.added.at(-1)?.feeds).toMatchObject([
      { url: 'https://a.example/feed', bookScore: 8 },
      { url: 'https://b.example/feed', bookScore: 8 },
    ]);
  });

  test('takes nested outlines of an OPML file with their titles', async () => {
    const path = join(folder, 'list.opml');
    await writeFile(
      path,
      '<opml version="2.0"><body><outline text="group"><outline TEXT="A" xmlUrl="https://a.example/f"/></outline><outline title="B" xmlUrl="https://b.example/f"/></body></opml>',
    );
    expect((await podctl('feed', 'add', '--opml', path)).code).toBe(0);
    expect(coordinator.added.at(-1)?.feeds).toMatchObject([
      { url: 'https://a.example/f', title: 'A' },
      { url: 'https://b.example/f', title: 'B' },
    ]);
  });

  test('a refused feed is told and the exit code is 1, the others are added', async () => {
    const ran = await podctl(
      'feed',
      'add',
      'https://bad.example/f',
      'https://c.example/f',
      '--json',
    );
    expect(ran.code).toBe(1);
    expect(JSON.parse(ran.stdout).items).toMatchObject([
      { outcome: 'refused', problem: 'it is not http' },
      { outcome: 'added' },
    ]);
  });

  test('nothing to add, a file that is no OPML and a missing file are usage errors', async () => {
    const path = join(folder, 'page.html');
    await writeFile(path, '<html><body>hello</body></html>');
    const html = await podctl('feed', 'add', '--opml', path);
    expect(html.code).toBe(2);
    expect(html.stderr).toContain('is not a list of feeds');
    expect((await podctl('feed', 'add')).code).toBe(2);
    expect((await podctl('feed', 'add', '--opml', join(folder, 'absent'))).code).toBe(2);
  });
});

describe.concurrent('errors', () => {
  test('no coordinator known: one sentence that says how to start one, exit 5', async () => {
    const ran = await runPodctl(['feed', 'list', '--data-dir', folder]);
    expect(ran.code).toBe(5);
    expect(ran.stdout).toBe('');
    expect(ran.stderr.trim().split('\n')).toHaveLength(1);
    expect(ran.stderr).toContain('start one with "podctl up"');
  });

  test('a coordinator that is gone: exit 5, and where its address came from', async () => {
    const dead = await startFixedCoordinator();
    await dead.stop();
    await writeFile(
      join(folder, 'endpoint.json'),
      JSON.stringify({ grpc: dead.address, http: '', pid: 1 }),
    );
    const ran = await runPodctl(['status', '--data-dir', folder]);
    await rm(join(folder, 'endpoint.json'));
    expect(ran.code).toBe(5);
    expect(ran.stderr).toContain(`no coordinator answers at ${dead.address} (from ${folder}`);
  });

  test('NOT_FOUND is 3, a deadline is 6, a bad address 2, a bad flag 2, no such command 127', async () => {
    expect((await podctl('episode', 'show', 'zzzz')).code).toBe(3);
    const slow = await podctl('episode', 'show', 'slow', '--timeout', '200ms');
    expect(slow.code).toBe(6);
    expect(slow.stderr).toContain('did not answer within 0.2 s');
    expect((await runPodctl(['status', '--server', 'nowhere'])).code).toBe(2);
    expect((await podctl('status', '--nope')).code).toBe(2);
    expect((await podctl('status', '--timeout', 'soon')).code).toBe(2);
    expect((await runPodctl(['nope'])).code).toBe(127);
  });

  test('under --json an error is one JSON object on stdout with the same exit code', async () => {
    const ran = await podctl('episode', 'show', 'zzzz', '--json');
    expect(ran.code).toBe(3);
    expect(JSON.parse(ran.stdout)).toEqual({
      error: { message: 'no episode begins with that id', exitCode: 3 },
    });
  });
});

describe('watch', () => {
  test('--once prints one table and leaves', async () => {
    const ran = await podctl('watch', '--once');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toContain('the-clockmakers');
    expect(ran.stdout).toMatch(/downloaded 2 \(66%\) {2}transcribed 1 \(33%\)/);
    expect(ran.stdout).not.toContain('\u001b');
  });

  test('without a terminal it prints one line an event, and jsonl one object', async () => {
    const delta = {
      overview,
      feeds: [],
      agents: [],
      events: [doneEvent],
      eventsDropped: 0n,
    };
    const done = { ...clockFeed, state: FeedState.DONE, downloaded: 3, transcribed: 3 };
    const finished = { ...overview, transcribed: 3, downloaded: 3 };
    const messages = [
      snapshotOf([clockFeed], overview),
      { sequence: 2n, message: { $case: 'delta' as const, value: delta } },
      {
        sequence: 3n,
        message: {
          $case: 'delta' as const,
          value: { ...delta, overview: finished, feeds: [done], events: [] },
        },
      },
    ];
    coordinator.watchMessages = messages;
    const plain = await podctl('watch', '--until', 'done');
    expect(plain.code).toBe(0);
    expect(plain.stdout).toBe(
      '06:30:00Z job-done      the-clockmakers "The Long Case" transcribe [local] transcribed in 3 s\n',
    );
    const lines = await podctl('watch', '--until', 'done', '-o', 'jsonl');
    expect(JSON.parse(lines.stdout)).toMatchObject({ sequence: '7', type: 'job-done' });
  });

  test('--interval prints tables, the last one at the end, and --filter holds back events too', async () => {
    coordinator.watchMessages = [
      snapshotOf([clockFeed], overview),
      {
        sequence: 2n,
        message: {
          $case: 'delta',
          value: {
            overview,
            feeds: [{ ...clockFeed, state: FeedState.DONE, transcribed: 3 }],
            agents: [],
            events: [doneEvent],
            eventsDropped: 0n,
          },
        },
      },
    ];
    const ran = await podctl('watch', '--interval', '1h', '--until', 'done');
    expect(ran.code).toBe(0);
    const tables = ran.stdout.split('podctl watch ').slice(1);
    expect(tables.map((table) => /the-clockmakers.* (done|ok)\n/.exec(table)?.[1])).toEqual([
      'ok',
      'done',
    ]);
    const held = await podctl('watch', '--until', 'done', '--filter', 'something else');
    expect(held.stdout).toBe('');
    const kept = await podctl('watch', '--until', 'done', '--filter', 'LONG case');
    expect(kept.stdout).toContain('job-done');
  });

  test('--exit-status is 7 when something is dead at the end, else that is only said; --timeout bounds the wait', async () => {
    const dead = { ...clockFeed, state: FeedState.DONE, transcribed: 2, dead: 1 };
    coordinator.watchMessages = [snapshotOf([dead], { ...overview, dead: 1 })];
    const said = await podctl('watch', '--until', 'done');
    expect([said.code, said.stderr]).toEqual([0, expect.stringContaining('has 1 dead of 3')]);
    const failed = await podctl('watch', '--until', 'done', '--exit-status');
    expect([failed.code, failed.stderr]).toEqual([7, expect.stringContaining('has 1 dead of 3')]);
    const unwell = await podctl('watch', '--once', '--exit-status');
    expect([unwell.code, unwell.stdout]).toEqual([7, expect.stringContaining('1 dead')]);
    coordinator.watchMessages = [snapshotOf([clockFeed], overview)];
    expect((await podctl('watch', '--until', 'done', '--timeout', '1s')).code).toBe(6);
  });

  test('--once shows each view, and an order that is none is refused with those that are', async () => {
    coordinator.watchMessages = [snapshotOf([clockFeed], overview)];
    const locks = await podctl('watch', '--once', '--view', 'locks');
    expect(locks.stdout).toMatch(/the-clockmakers .* held, STALE\n/);
    expect((await podctl('watch', '--once', '-o', 'jsonl')).code).toBe(2);
    const wrong = await podctl('watch', '--once', '--sort', 'height');
    expect(wrong.code).toBe(2);
    expect(wrong.stderr).toContain('give one of need, feed, left');
  });

  test('a gap in the sequence opens the stream anew instead of showing a wrong picture', async () => {
    const done = { ...clockFeed, state: FeedState.DONE, transcribed: 3 };
    const delta = { overview, feeds: [done], agents: [], events: [], eventsDropped: 0n };
    coordinator.watchMessages = [
      snapshotOf([clockFeed], overview),
      { sequence: 9n, message: { $case: 'delta', value: delta } },
    ];
    const watching = startPodctl([
      'watch',
      '--until',
      'done',
      '--server',
      coordinator.address,
      '--give-up-after',
      '1s',
    ]);
    expect((await watching.ended).code).toBe(6);
  });

  test('TERM ends it with 143, and -q mutes nothing of the data', async () => {
    coordinator.watchMessages = [
      {
        sequence: 1n,
        message: {
          $case: 'snapshot',
          value: { overview, feeds: [clockFeed], agents: [], events: [doneEvent] },
        },
      },
    ];
    const watching = startPodctl(['watch', '-q', '--server', coordinator.address]);
    await watching.shows('transcribed in 3 s');
    watching.child.kill('SIGTERM');
    expect((await watching.ended).code).toBe(143);
  });
});
