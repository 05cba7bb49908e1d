import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { environment, PODCTL } from './run-podctl.ts';

const hasTmux = spawnSync('tmux', ['-V']).status === 0;
if (!hasTmux) console.warn('SKIPPED: tmux is not installed here, so watch is not tried inside it');

const run = promisify(execFile);
let folder: string;
let coordinator: FixedCoordinator;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-tmux-'));
  coordinator = await startFixedCoordinator();
});

afterAll(async () => {
  if (hasTmux) await tmux('kill-server').catch(() => undefined);
  await coordinator.stop();
  await rm(folder, { recursive: true, force: true });
});

/** A server of the test's own. */
async function tmux(...args: readonly string[]): Promise<string> {
  const env = { ...environment(), LANG: 'C.UTF-8', NO_COLOR: '1' };
  const { stdout } = await run('tmux', ['-f', '/dev/null', '-S', join(folder, 'socket'), ...args], {
    env,
  });
  return stdout;
}

const pane = () => tmux('capture-pane', '-p');
const until = (seen: RegExp) =>
  vi.waitFor(
    async () => {
      const text = await pane();
      expect(text).toMatch(seen);
      return text;
    },
    { timeout: 8_000, interval: 50 },
  );

test.skipIf(!hasTmux)(
  'inside tmux the table is whole at 80 columns, follows a resize, and leaves the shell as it was',
  async () => {
    const command = `echo before; ${process.execPath} ${PODCTL} watch --server ${coordinator.address}; echo "left with $?"; read wait`;
    await tmux('new-session', '-d', '-x', '80', '-y', '24', `sh -c '${command}'`);
    const drawn = await until(/the-clockmakers/);
    expect(drawn).toMatch(/^podctl watch .* q quit$/m);
    expect(drawn.split('\n')).toContain('-'.repeat(80));
    await tmux('resize-window', '-x', '100', '-y', '20');
    expect((await until(/ ERR /)).split('\n')).toContain('-'.repeat(100));
    await tmux('send-keys', '3');
    await until(/no job runs/);
    // tmux itself leaves lines of the alternate screen behind when its size changed meanwhile.
    await tmux('resize-window', '-x', '80', '-y', '24');
    await until(/wrk 1\+1/);
    await tmux('send-keys', 'q');
    const left = await until(/left with 0/);
    expect(left).toMatch(/^before\nleft with 0\n/);
    expect(await tmux('display-message', '-p', '#{alternate_on} #{cursor_flag} #{wrap_flag}')).toBe(
      '0 1 1\n',
    );
  },
);
