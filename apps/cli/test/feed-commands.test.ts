import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FeedPolling, PollCame } from '@podctl/domain/feed/polling.ts';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type ApiBundle, apiBundle, cleanUp, until } from '../../../test/support/api-bundle.ts';
import { dead, done } from '../../../test/support/stage-change.ts';
import { runPodctl } from './run-podctl.ts';

const alpha = 'alpha' as FeedId;
let api: ApiBundle;

beforeEach(async () => {
  api = await apiBundle();
  api.fleet.feed(alpha, { title: 'Alpha & <Omega>', lastSuccessMs: 1_000, nextPollMs: 5_000 });
});
afterEach(cleanUp);

const podctl = (...args: string[]) => runPodctl([...args, '--server', api.address]);
const polled = (came: PollCame, some: Partial<FeedPolling> = {}): FeedPolling => ({
  ...{ lastMs: 4_000, came, fresh: 0, why: '', fullMs: null, newMs: null, arrivalGapMs: null },
  ...{ rhythm: null, fallbackAgent: false },
  ...some,
});
const record = () => api.fleet.snapshot.feeds.get(alpha)?.record;

describe('feed', () => {
  test('pause, update and show tell what was changed and what to do next', async () => {
    const paused = await podctl('feed', 'pause', 'alpha');
    expect(paused).toMatchObject({ code: 0, stdout: '' });
    expect(paused.stderr).toContain('"podctl feed resume alpha"');
    const updated = await podctl(
      'feed',
      'update',
      'alpha',
      '--label',
      'a=1',
      '--priority',
      '-2',
      '--json',
    );
    expect(JSON.parse(updated.stdout)).toEqual({
      feedId: 'alpha',
      changed: ['priority', 'labels'],
      dryRun: false,
    });
    const shown = await podctl('feed', 'show', 'alpha');
    expect(shown.stdout).toMatch(/^State {7}\w+ \(paused\)$/m);
    expect(shown.stdout).toContain('Labels      a=1');
    expect(shown.stdout).not.toContain('token=');
  });

  test('pause and resume take several feeds: by their ids, by a label, or all of them', async () => {
    const [beta, gamma] = ['beta', 'gamma'] as [FeedId, FeedId];
    for (const id of [beta, gamma])
      api.fleet.feed(id, { choices: { ...NO_CHOICES, labels: { topic: id } } });
    const stateOf = () =>
      [alpha, beta, gamma].map((id) => api.fleet.snapshot.feeds.get(id)?.record?.choices?.paused);
    const paused = await podctl('feed', 'pause', 'alpha', 'beta', '--json');
    expect(JSON.parse(paused.stdout)).toMatchObject({
      ...{ feedId: '', changed: ['paused'] },
      feeds: [{ feedId: 'alpha' }, { feedId: 'beta' }],
    });
    expect([paused.code, stateOf()]).toEqual([0, [true, true, false]]);
    const some = await podctl('feed', 'resume', '-l', 'topic=beta');
    expect(some.stderr).toContain('Resumed feed beta: its jobs begin again.');
    await podctl('feed', 'pause', '--all', '--quiet');
    expect(stateOf()).toEqual([true, true, true]);
    const both = await podctl('feed', 'resume', 'alpha', '--all');
    expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('one of the three')]);
    expect((await podctl('feed', 'resume')).code).toBe(2);
  });

  test('report completeness exits 7 when something is missing, and tells what of one feed', async () => {
    api.fleet.episode(alpha, 1, done('download', 60));
    const ran = await podctl('report', 'completeness', 'alpha', '--exit-status', '--json');
    expect(ran.code).toBe(7);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      items: [{ feedId: 'alpha', known: 1, wanted: 1, downloaded: 1, missing: 1 }],
      totals: { feeds: 1, missing: 1 },
      missing: [{ downloaded: true, vanishedAt: null }],
    });
  });

  test('report quality tells each feed’s transcripts, and why the worst ones are bad', async () => {
    const id = api.fleet.episode(alpha, 1, done('transcribe', null, 0.3));
    api.fleet.episode(alpha, 2, done('transcribe', null, 0.9));
    const ran = await podctl('report', 'quality', '--below', '0.4', '--json');
    expect(JSON.parse(ran.stdout)).toMatchObject({
      items: [{ name: 'alpha', episodes: 2, meanRatio: 0.6, worstRatio: 0.3, poor: 1 }],
      ...{ worst: [{ episodeId: id, qualityRatio: 0.3 }], newestOnly: 0 },
    });
    const listed = await podctl('report', 'quality');
    expect(listed.stdout).toMatch(/^FEED +TRANSCRIPTS +QUALITY +WORST +BELOW 0\.5$/m);
    expect(listed.stdout).toMatch(/^WORST +QUALITY +FEED +WHY +TITLE$/m);
    expect(listed.stderr).toContain('--stage transcribe');
    const bare = await podctl('report', 'quality', '--no-headers');
    expect(bare.stdout.split('\n')).toEqual([
      expect.stringMatching(/^alpha +2 +0\.60 +0\.30 +1$/),
      '',
      expect.stringMatching(new RegExp(`^${id.slice(0, 8)} +0\\.30 +alpha`)),
      '',
    ]);
    const csv = await podctl('report', 'quality', '-o', 'csv');
    expect([csv.stdout.split('\n').length, csv.stderr]).toEqual([3, '']);
    const shown = await podctl('feed', 'show', 'alpha');
    expect(shown.stdout).toMatch(
      /^Quality {5}0\.60 in the mean of 2 transcripts, 0\.30 the worst$/m,
    );
  });

  test('add --paused adds feeds of which nothing begins, and says what comes next', async () => {
    const added = await podctl('feed', 'add', 'https://pods.example/new.xml', '--paused');
    expect(added.code).toBe(0);
    expect(added.stderr).toMatch(
      /Added 1 feed\. .*"podctl library adopt DIR".*"podctl feed resume/,
    );
    expect(api.fleet.asked.at(-1)).toMatchObject({ paused: true });
  });

  test('remove asks for --yes, and says how to get it back', async () => {
    const asked = await podctl('feed', 'remove', 'alpha');
    expect(asked).toMatchObject({ code: 2 });
    expect(record()?.removed ?? false).toBe(false);
    const removed = await podctl('feed', 'remove', 'alpha', '--yes');
    expect(removed).toMatchObject({ code: 0 });
    expect(removed.stderr).toContain('"podctl feed add"');
    expect((await podctl('feed', 'show', 'alpha')).code).toBe(3);
  });

  test('remove --purge says what goes, what is under way, and when it is done', async () => {
    const dry = await podctl('feed', 'remove', 'alpha', '--purge', '--dry-run');
    expect(dry).toMatchObject({ code: 0 });
    expect(dry.stderr).toMatch(
      /^Would remove feed alpha, and its files go for good: \d+ files?, .*Nothing/,
    );
    expect(record()).not.toHaveProperty('purge');
    const begun = await podctl('feed', 'remove', 'alpha', '--purge', '--yes');
    expect(begun).toMatchObject({ code: 0 });
    expect(begun.stderr).toContain('Its files go now: 5 files, 1.5 MB. "podctl events');
    expect(record()).toMatchObject({ removed: true, purge: { state: 'wanted' } });
    const purge = record()?.purge;
    if (purge === undefined) throw new Error('it was not begun');
    api.fleet.feed(alpha, { removed: true, purge: { ...purge, state: 'done' } });
    const gone = await podctl('feed', 'remove', 'alpha', '--purge', '--yes', '--json');
    expect(JSON.parse(gone.stdout)).toMatchObject({ purge: { state: 'done', files: 5 } });
  });

  test('refresh --wait ends when the feed was read, with 1 when that failed', async () => {
    const running = podctl('feed', 'refresh', 'alpha', '--wait');
    await until(() => api.fleet.ordered.length > 0);
    const polling = polled('failed', { why: 'the last poll failed' });
    api.fleet.feed(alpha, { nextPollMs: 5_000, failures: 1, problem: 'HTTP 404', polling });
    const ran = await running;
    expect(ran).toMatchObject({ code: 1 });
    expect(ran.stderr).toContain('Feed alpha could not be read: HTTP 404. It is tried again');
    const shown = (await podctl('feed', 'show', 'alpha')).stdout;
    expect(shown).toMatch(/^Last poll {3}it could not be read, /m);
    expect(shown).toMatch(/^Next {8}in 0s, since the last poll failed$/m);
  });

  test('refresh --wait says what came, and not before it came', async () => {
    const before = polled('unchanged');
    api.fleet.feed(alpha, { nextPollMs: 5_000, polling: before });
    const running = podctl('feed', 'refresh', 'alpha', '--wait', '--json');
    await until(() => api.fleet.ordered.length > 0);
    // As a coordinator that lags behind would show it.
    api.fleet.feed(alpha, { nextPollMs: 5_000, polling: before });
    const polling = polled('new', { lastMs: 9_000, fresh: 2 });
    api.fleet.feed(alpha, { nextPollMs: 5_000, polling });
    const ran = await running;
    expect(ran).toMatchObject({ code: 0 });
    expect(JSON.parse(ran.stdout)).toMatchObject({ read: true, result: 'new', newEpisodes: 2 });
  });

  test('show says that a feed is gone, and what asks it all the same', async () => {
    const why = 'the host says that it is gone for good';
    api.fleet.feed(alpha, { nextPollMs: 5_000, failures: 3, polling: polled('gone', { why }) });
    const shown = (await podctl('feed', 'show', 'alpha')).stdout;
    expect(shown).toMatch(/^State {7}gone$/m);
    expect(shown).toContain(`Next        never, since ${why} ("podctl feed refresh alpha"`);
  });

  test('export writes OPML without secrets, says so, and overwrites nothing', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-export-'));
    try {
      const file = join(folder, 'feeds.opml');
      const ran = await podctl('feed', 'export', file);
      expect(ran).toMatchObject({ code: 0 });
      expect(ran.stderr).toContain('1 URL of them without its password');
      const text = await readFile(file, 'utf8');
      expect(text).toContain('text="Alpha &amp; &lt;Omega&gt;"');
      expect(text).toContain('xmlUrl="https://pods.example/alpha.xml"');
      expect(text).not.toContain('token=');
      const whole = join(folder, 'whole.opml');
      const secret = await podctl('feed', 'export', whole, '--with-secrets', '--json');
      expect(JSON.parse(secret.stdout)).toEqual({ feeds: 1, withoutSecrets: 0, opml: null });
      expect(await readFile(whole, 'utf8')).toContain('alpha.xml?token=');
      expect((await stat(whole)).mode & 0o777).toBe(0o600);
      expect(await podctl('feed', 'export', '--with-secrets')).toMatchObject({
        code: 2,
        stdout: '',
      });
      expect(await podctl('feed', 'export', file)).toMatchObject({
        code: 8,
        stderr: expect.stringContaining(`there is a file ${file} already`),
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('episode', () => {
  test('retry counts first, and with --dry-run only counts', async () => {
    api.fleet.episode(alpha, 1, dead('download', 'gone'));
    const counted = await podctl(
      'episode',
      'retry',
      '--feed',
      'alpha',
      '--dead',
      '--dry-run',
      '--json',
    );
    expect(JSON.parse(counted.stdout)).toEqual({ matched: 1, requested: 0, dryRun: true });
    expect(api.fleet.ordered).toEqual([]);
    const ran = await podctl('episode', 'retry', '--dead');
    expect(ran.stderr).toMatch(/^1 job to try again\.\nTrying 1 job again\./);
    expect(api.fleet.ordered).toHaveLength(1);
    expect((await podctl('episode', 'retry', '--feed', 'alpha')).code).toBe(2);
    const model = ['--model', 'large-v3'];
    const unstaged = await podctl('episode', 'retry', '--dead', ...model);
    expect([unstaged.code, unstaged.stderr]).toEqual([
      2,
      expect.stringContaining('add --stage transcribe'),
    ]);
    const id = api.fleet.episode(alpha, 2, done('transcribe'));
    await podctl('episode', 'retry', id, '--stage', 'transcribe', ...model);
    expect(api.fleet.ordered.at(-1)).toMatchObject({ kind: 'repeat_runs', model: 'large-v3' });
  });

  test('skip and prioritize say what came of it', async () => {
    const id = api.fleet.episode(alpha, 1, done('download'));
    const skipped = await podctl('episode', 'skip', id.slice(0, 6), '--yes');
    expect(skipped.stderr).toContain(`"podctl episode retry ${id}"`);
    const first = await podctl('episode', 'prioritize', id, '--json');
    expect(JSON.parse(first.stdout)).toMatchObject({ prioritized: 1, done: 0 });
  });
});
