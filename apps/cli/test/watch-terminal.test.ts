import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { runOnTerminal } from './terminal.ts';

let coordinator: FixedCoordinator;

beforeAll(async () => {
  coordinator = await startFixedCoordinator();
});

afterAll(() => coordinator.stop());

const watch = () => runOnTerminal(['watch', '--server', coordinator.address], 80, 24);
const clockOf = (rows: string[]) =>
  /(\d\d:\d\d:\d\dZ)/.exec(rows.find((row) => row.startsWith('podctl watch')) ?? '')?.[1];

test('on a terminal the table stands in place and is drawn again within 2 s, though nothing happens', async () => {
  const run = watch();
  const rows = await run.until((now) => now.some((row) => row.startsWith('the-clockmakers')));
  const first = clockOf(rows);
  const beganAtMs = performance.now();
  const later = await run.until((now) => clockOf(now) !== first && clockOf(now) !== undefined);
  expect(performance.now() - beganAtMs).toBeLessThan(2_000);
  expect(later.filter((row) => row.startsWith('podctl watch'))).toHaveLength(1);
  expect(later.filter((row) => row.startsWith('the-clockmakers'))).toHaveLength(1);
  run.pty.write('q');
  expect(await run.ended).toBe(0);
});

test('a line of full width keeps its last character', async () => {
  const run = watch();
  const rows = await run.until((now) => now.some((row) => row.startsWith('the-clockmakers')));
  expect(rows).toContain('-'.repeat(80));
  expect(rows[0]).toMatch(/ q quit$/);
  // Terminals differ: xterm keeps the character that an erase to the right, sent on the last column, takes away in tmux.
  const eraseRight = '\u001b[K';
  expect(run.written()).not.toContain(eraseRight);
  run.pty.write('q');
  await run.ended;
});

test.each([
  ['q', 0],
  ['\u0003', 130],
])('the key %j leaves with %i and gives the terminal back', async (key, code) => {
  const run = watch();
  await run.until((now) => now.some((row) => row.startsWith('the-clockmakers')));
  run.pty.write(key);
  expect(await run.ended).toBe(code);
  const written = run.written();
  expect(written.lastIndexOf('\u001b[?25h')).toBeGreaterThan(written.lastIndexOf('\u001b[?25l'));
  expect(written.lastIndexOf('\u001b[?7h')).toBeGreaterThan(written.lastIndexOf('\u001b[?7l'));
});

test('TERM gives the terminal back too', async () => {
  const run = watch();
  await run.until((now) => now.some((row) => row.startsWith('the-clockmakers')));
  run.pty.kill('SIGTERM');
  expect(await run.ended).toBe(143);
  expect(run.written()).toContain('\u001b[?25h');
});
