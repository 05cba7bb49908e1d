import { readFileSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { findPython } from './python-interpreter.ts';

let folder: string;
const never = new AbortController().signal;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-python-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** A program that answers the probe like a Python of this version. */
async function python(version: string, missing = '-'): Promise<string> {
  const path = join(folder, `python${version}${missing}`);
  await writeFile(path, `#!/bin/sh\necho "${version} ${missing} $0"\n`);
  await chmod(path, 0o755);
  return path;
}

it('the Python of this machine is found, and is 3.10 or newer', async () => {
  const found = await findPython(never);
  expect(found.path).toMatch(/^\//);
  expect(Number(found.version.split('.')[1])).toBeGreaterThanOrEqual(10);
});

it('the first that has everything is taken, a very new one only when there is no other', async () => {
  const names = await Promise.all([python('3.8'), python('3.12', 'ssl'), python('3.15')]);
  expect(await findPython(never, names)).toEqual({ path: names[2], version: '3.15' });
  const good = await python('3.11');
  expect(await findPython(never, [...names, good])).toEqual({ path: good, version: '3.11' });
});

it('no Python is a sentence that says what to install', async () => {
  await expect(findPython(never, [join(folder, 'none')])).rejects.toMatchObject({
    code: 'no_python',
    message: expect.stringMatching(
      /^no Python was found in PATH; expected 3\.10 or newer: install python3 and python3-venv/,
    ),
  });
});

it('an old Python is named', async () => {
  await expect(findPython(never, [await python('3.8')])).rejects.toMatchObject({
    code: 'no_python',
    message: expect.stringContaining('Python 3.8 was found; expected 3.10 or newer'),
  });
});

it('a Python without the venv module is a sentence that names the package', async () => {
  await expect(findPython(never, [await python('3.11', 'venv,ensurepip')])).rejects.toMatchObject({
    code: 'no_venv',
    message: expect.stringContaining(
      'Python 3.11 has no venv and no ensurepip; install the package python3-venv',
    ),
  });
});

it('a probe that hangs ends with an abort', async () => {
  const path = join(folder, 'hangs');
  await writeFile(path, '#!/bin/sh\nexec sleep 1000\n');
  await chmod(path, 0o755);
  const reason = new Error('stop');
  const stop = new AbortController();
  const finding = findPython(stop.signal, [path]);
  stop.abort(reason);
  await expect(finding).rejects.toBe(reason);
});

/** A program of these shell lines. */
async function program(name: string, lines: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${lines}\n`);
  await chmod(path, 0o755);
  return path;
}

it('a Python that hangs, and all it started, is ended at its limit, and the next one is taken', async () => {
  const pidFile = join(folder, 'pid');
  // What it started holds its stdout.
  const hangs = await program('hangs', `sleep 1000 &\necho $! > ${pidFile}\nwait`);
  const good = await python('3.11');
  const limitMs = 1_000;
  const beganAtMs = performance.now();
  expect(await findPython(never, [hangs, good], limitMs)).toEqual({ path: good, version: '3.11' });
  expect(performance.now() - beganAtMs).toBeLessThan(5_000);
  expect(isAlive(Number(await readFile(pidFile, 'utf8')))).toBe(false);
  await expect(findPython(never, [hangs], limitMs)).rejects.toMatchObject({
    code: 'no_python',
    message: expect.stringContaining(`${hangs} did not tell its version within 1 s; expected 3.10`),
  });
});

it('a Python that answers is taken, though what it started holds its stdout', async () => {
  const path = await program('leaves', 'setsid sleep 6 &\necho "3.11 - $0"');
  const beganAtMs = performance.now();
  expect(await findPython(never, [path])).toEqual({ path, version: '3.11' });
  expect(performance.now() - beganAtMs).toBeLessThan(4_000);
});

/** A zombie that nobody has reaped yet is not alive. */
function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}
