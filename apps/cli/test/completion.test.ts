import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawn } from '@lydell/node-pty';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { environment, PODCTL, runPodctl } from './run-podctl.ts';

const zsh = ['/bin/zsh', '/usr/bin/zsh', '/usr/local/bin/zsh'].find((path) => existsSync(path));
let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'podctl-completion-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** What the shell has made of `typed` after Tab. `podctl` is a function there, as a person has a program. */
async function completed(shell: string, args: readonly string[], typed: string): Promise<string> {
  const own = {
    HOME: home,
    XDG_CACHE_HOME: join(home, 'cache'),
    XDG_DATA_HOME: join(home, 'data'),
  };
  const { CI: _, ...rest } = environment();
  const env = { ...rest, ...own, PS1: 'ready> ', TERM: 'dumb' };
  const name = shell.endsWith('zsh') ? 'zsh' : 'bash';
  const script = await runPodctl(['autocomplete', 'script', name], { env });
  expect(script.code).toBe(0);
  expect((await runPodctl(['autocomplete', name, '--refresh-cache'], { env })).code).toBe(0);
  const pty = spawn(shell, [...args], { cols: 200, rows: 40, env });
  const gone = new Promise<void>((resolve) => pty.onExit(() => resolve()));
  try {
    return await new Promise<string>((resolve, reject) => {
      let text = '';
      pty.onData((data) => {
        text += data;
        // The echo of what was typed shows no marks: the shell has evaluated them when they come.
        const found = /<<(.*)>>/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
      void gone.then(() => reject(new Error(`the shell ended:\n${text}`)));
      pty.write(`podctl() { echo "<""<$*>"">"; }\n${script.stdout.trim()}\n`);
      pty.write(`${typed}\t\n`);
    });
  } finally {
    pty.kill('SIGKILL');
    await gone;
  }
}

test('bash completes a command and its flags with Tab', async () => {
  expect(PODCTL).toContain('podctl');
  const bash = ['--norc', '--noprofile', '-i'];
  expect((await completed('/bin/bash', bash, 'podctl lock rel')).trim()).toBe('lock release');
  expect((await completed('/bin/bash', bash, 'podctl feed list --sort')).trim()).toBe(
    'feed list --sort-by',
  );
});

// Where zsh is not installed this is told as skipped.
test.skipIf(zsh === undefined)('zsh completes a command with Tab', async () => {
  const shown = await completed(zsh ?? '', ['-f', '-i'], 'podctl lock rel');
  expect(shown.trim()).toBe('lock release');
});
