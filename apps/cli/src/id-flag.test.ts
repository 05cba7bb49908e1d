import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const PODCTL = fileURLToPath(new URL('../bin/podctl.js', import.meta.url));

test('an empty --feed, as of a variable that was never set, does not mean all feeds', async () => {
  const args = ['episode', 'skip', '--dead', '--feed', '', '--yes', '--server', '127.0.0.1:1'];
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
    execFile(process.execPath, [PODCTL, ...args], (error, _, said) =>
      resolve({ code: error?.code, stderr: said }),
    );
  });
  expect(code).toBe(2);
  expect(stderr).toMatch(/--feed is empty, where an id was expected; leave --feed out/);
});
