import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { runPodctl } from './run-podctl.ts';

let coordinator: FixedCoordinator;
beforeAll(async () => {
  coordinator = await startFixedCoordinator();
});
afterAll(() => coordinator.stop());

const search = (...args: string[]) =>
  runPodctl(['transcript', 'search', ...args, '--server', coordinator.address]);

describe.concurrent('transcript search', () => {
  test('shows where it is said and what, without colours or control characters in a pipe', async () => {
    const ran = await search('clock', 'tower');
    expect(ran.code).toBe(0);
    expect(ran.stdout).toBe(
      'the-clockmakers  abcdefghijklmnopqrstuvwxyz  1:15:03  2026-03-19  The Long [31m Case\n    a long case clock\n',
    );
    expect(ran.stderr).toContain('Not searched: 2 transcribed episodes');
  });

  test('exits 7 when nothing is found, and says in how much', async () => {
    const ran = await search('pendulum');
    expect(ran).toMatchObject({ code: 7, stdout: '' });
    expect(ran.stderr).toContain('Nothing of it is said in the 40 episodes searched.');
  });

  test('--json prints one list document, -o jsonl one hit a line', async () => {
    const document = JSON.parse((await search('clock', '--json')).stdout);
    expect(document).toMatchObject({
      ...{ apiVersion: 'podctl/v1', nextPageToken: '', indexedEpisodes: 40, behindEpisodes: 2 },
      items: [{ startSeconds: 4_503.5, snippet: 'a long case clock' }],
    });
    const lines = (await search('clock', '-o', 'jsonl')).stdout.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(document.items);
  });

  test('takes words with a hyphen after --, and every form of a list', async () => {
    const at = ['--server', coordinator.address];
    const ran = await runPodctl([
      'transcript',
      'search',
      '-o',
      'name',
      ...at,
      '--',
      'clock',
      '-watch',
    ]);
    expect([ran.code, ran.stdout]).toEqual([0, 'abcdefghijklmnopqrstuvwxyz\n']);
    const wide = (await search('clock', '-o', 'wide', '--no-headers')).stdout;
    expect(wide).toMatch(/^the-clockmakers .* 1:15:03 {2}a long case clock\n$/);
  });

  test('a --since that is no time is a mistake of usage', async () => {
    const ran = await search('clock', '--since', 'yesterday');
    expect(ran.code).toBe(2);
    expect(ran.stderr).toContain('--since "yesterday" is no time; give how long ago (12h, 7d)');
  });
});
