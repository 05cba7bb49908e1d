import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FeedState } from '@podctl/proto/podctl/v1/feed.ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import {
  clockFeed,
  doneEvent,
  type FixedCoordinator,
  overview,
  snapshotOf,
  startFixedCoordinator,
} from './fixed-coordinator.ts';
import { runOnTerminal, type TerminalRun } from './terminal.ts';

const other = {
  ...clockFeed,
  feedId: 'other-show',
  title: 'Other',
  state: FeedState.DONE,
  transcribed: 3,
};
const CRASHING = fileURLToPath(new URL('crashing-screen.ts', import.meta.url));
let coordinator: FixedCoordinator;

beforeAll(async () => {
  coordinator = await startFixedCoordinator();
  const snapshot = snapshotOf([clockFeed, other], { ...overview, feeds: 2 });
  if (snapshot.message?.$case === 'snapshot') snapshot.message.value.events.push(doneEvent);
  coordinator.watchMessages = [snapshot];
});

afterAll(() => coordinator.stop());

const watch = (
  args: readonly string[] = [],
  columns = 80,
  rows = 24,
  server = coordinator.address,
) => runOnTerminal(['watch', '--server', server, ...args], columns, rows, { NO_COLOR: '1' });
const isDrawn = (rows: string[]) => rows.some((row) => row.includes('the-clockmakers'));
const clockOf = (rows: string[]) =>
  /(\d\d:\d\d:\d\dZ)/.exec(rows.find((row) => row.startsWith('podctl watch')) ?? '')?.[1];
const shows = (text: string) => (rows: string[]) => rows.some((row) => row.includes(text));

/** The terminal is as it was before: nothing of the table is left. */
function expectRestored(run: TerminalRun): void {
  expect(run.modes()).toEqual({ screen: 'normal', wraps: true, cursorShows: true });
  expect(run.rows().join('\n')).not.toContain('the-clockmakers');
}

test('on a terminal the table stands in place and is drawn again within 2 s, though nothing happens', async () => {
  const run = watch();
  const rows = await run.until(isDrawn);
  expect(run.modes()).toEqual({ screen: 'alternate', wraps: false, cursorShows: false });
  const [first, before] = [clockOf(rows), run.written().length];
  const beganAtMs = performance.now();
  const later = await run.until((now) => clockOf(now) !== first && clockOf(now) !== undefined);
  expect(performance.now() - beganAtMs).toBeLessThan(2_000);
  expect(later.filter((row) => row.startsWith('podctl watch'))).toHaveLength(1);
  expect(later.filter((row) => row.includes('the-clockmakers'))).toHaveLength(2);
  // Only the line of the clock was written, within one synchronized update.
  const clockLine = String.raw`\u001b\[\?2026h\u001b\[1;1H\u001b\[2Kpodctl watch[^\u001b]*\u001b\[\?2026l`;
  expect(run.written().slice(before)).toMatch(new RegExp(`^(${clockLine})+$`));
  run.pty.write('q');
  expect(await run.ended).toBe(0);
  expectRestored(run);
});

test('keys sort, filter, open views and details, freeze, and a line of full width keeps its last character', async () => {
  const run = watch();
  const rows = await run.until(isDrawn);
  expect(rows).toContain('-'.repeat(80));
  expect(rows[0]).toMatch(/ \? help {2}q quit$/);
  expect(rows[23]).toBe('');
  const steps: readonly (readonly [string, string | RegExp])[] = [
    ['\u001b[B', /^>other-show/m],
    ['\r', 'http://127.0.0.1/clock.xml'],
    ['\u001b', /^>other-show/m],
    ['ss', 'sort: -left'],
    ['/CLOCK\r', '1-1 of 1, all 2 (sort: -left, filter: clock)'],
    ['5', 'held, STALE'],
    ['4', 'transcribed in 3 s'],
    ['?', 'reverse'],
    ['1p', /pause feed other-show\? y\/N/],
    ['y', 'paused other-show: no more of its jobs begin'],
    ['f', 'FROZEN'],
  ];
  for (const [keys, seen] of steps) {
    run.pty.write(keys);
    await vi.waitFor(() => expect(run.rows().join('\n')).toMatch(seen), { timeout: 8_000 });
  }
  run.pty.write('q');
  await run.ended;
});

test('the table follows the size of the terminal', async () => {
  const run = watch([], 140, 30);
  await run.until(shows('AGENTS'));
  run.resize(60, 12);
  const narrow = await run.until(
    (rows) =>
      rows.length === 12 &&
      isDrawn(rows) &&
      rows[0]?.startsWith('podctl') === true &&
      !shows('AGENTS')(rows) &&
      shows('-'.repeat(60))(rows),
  );
  expect(narrow.join('\n')).toMatch(/^ FEED +DL% +TX% STATE$/m);
  expect(narrow[11]).toBe('');
  run.resize(100, 24);
  await run.until(
    (rows) => rows.length === 24 && shows('-'.repeat(100))(rows) && shows('ERR')(rows),
  );
  run.pty.write('q');
  expect(await run.ended).toBe(0);
});

test('flags choose the view, the order, the filter and ASCII', async () => {
  const run = watch(['--sort=-feed', '--filter', 'SHOW', '--read-only', '--ascii']);
  const rows = await run.until(shows('other-show'));
  expect(rows.join('\n')).toContain('1-1 of 1, all 2 (sort: -feed, filter: show)');
  expect(rows[0]).toContain('read-only');
  run.pty.write('p');
  await run.until(shows('read-only: nothing can be changed'));
  run.pty.write('q');
  await run.ended;
});

describe('gives the terminal back', () => {
  test.each([
    ['q', 0],
    ['\u0003', 130],
  ])('at the key %j, and leaves with %i', async (key, code) => {
    const run = watch();
    await run.until(isDrawn);
    run.pty.write(key);
    expect(await run.ended).toBe(code);
    expectRestored(run);
  });

  test.each(['SIGTERM', 'SIGHUP'])('at %s', async (signal) => {
    const run = watch();
    await run.until(isDrawn);
    run.pty.kill(signal);
    expect(await run.ended).toBe(143);
    expectRestored(run);
  });

  test('at a crash, whose stack is still to be read', async () => {
    const run = runOnTerminal([], 80, 24, {}, { file: process.execPath, args: [CRASHING] });
    await run.until(shows('drawn'));
    run.pty.write('x');
    expect(await run.ended).not.toBe(0);
    expectRestored(run);
    expect(run.rows().join('\n')).toContain('a bug in the table');
  });

  test('around Ctrl-Z, and takes it again when the job goes on', async () => {
    const run = watch();
    await run.until(isDrawn);
    run.pty.write('\u001a');
    await vi.waitFor(() => expect(stateOf(run.pty.pid)).toBe('T'), { timeout: 5_000 });
    await run.until(() => run.modes().screen === 'normal');
    expectRestored(run);
    process.kill(run.pty.pid, 'SIGCONT');
    await run.until(isDrawn);
    expect(run.modes()).toEqual({ screen: 'alternate', wraps: false, cursorShows: false });
    run.pty.write('q');
    expect(await run.ended).toBe(0);
    expectRestored(run);
  });
});

test('a coordinator that is gone leaves a picture that says STALE', async () => {
  const brief = await startFixedCoordinator();
  const run = watch([], 80, 24, brief.address);
  await run.until(shows('  live  '));
  await brief.stop();
  const rows = await run.until(shows('STALE'));
  expect(isDrawn(rows)).toBe(true);
  run.pty.write('q');
  await run.ended;
});

/** The letter of the process's state; T: it is stopped. */
function stateOf(pid: number): string | undefined {
  return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];
}
