import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lines } from './child/lines.ts';
import { acquireFolderLock, inheritedLockFd } from './folder-lock.ts';

let folder: string;
const processes: ChildProcess[] = [];
const never = new AbortController().signal;
const now = { waitMs: 0, signal: never };

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-lock-'));
});
afterEach(async () => {
  for (const child of processes.splice(0)) child.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A process that holds the lock, with a child that inherits it when asked; resolves when it has it. */
async function holder(withChild: boolean) {
  const url = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  const script = `
    const { acquireFolderLock } = await import(${url('./folder-lock.ts')});
    const { spawn } = await import('node:child_process');
    const lock = await acquireFolderLock(${JSON.stringify(folder)}, { waitMs: 0, signal: new AbortController().signal });
    const child = ${withChild} && spawn('sleep', ['1000'], { stdio: ['ignore', 'ignore', 'ignore', lock.fd], detached: true });
    console.log(child ? child.pid : 0);
    setInterval(() => {}, 1e6);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(parent);
  for await (const line of lines(parent.stdout))
    return { parent, childPid: line.kind === 'line' ? Number(line.text) : 0 };
  throw new Error('the holder ended');
}

describe('the lock on a folder', () => {
  it('makes the folder, says who holds it, and is free again after release', async () => {
    const inner = join(folder, 'a/b');
    const lock = await acquireFolderLock(inner, now);
    expect(await readFile(join(inner, 'lock'), 'utf8')).toBe(`${process.pid}\n`);
    await expect(acquireFolderLock(inner, now)).rejects.toMatchObject({
      code: 'taken',
      message: `another podctl (pid ${process.pid}) uses ${inner}; stop it, or name another folder with dataDir`,
    });
    await lock.release();
    await lock.release();
    await (await acquireFolderLock(inner, now)).release();
  });

  it('is not held by a file that was left behind', async () => {
    await writeFile(join(folder, 'lock'), '1\n');
    await (await acquireFolderLock(folder, now)).release();
  });

  it('stays while a child of a holder killed -9 lives, and is free when that child ends', async () => {
    const { parent, childPid } = await holder(true);
    await expect(acquireFolderLock(folder, now)).rejects.toMatchObject({ code: 'taken' });
    const ended = new Promise((resolve) => parent.once('exit', resolve));
    parent.kill('SIGKILL');
    await ended;
    await expect(acquireFolderLock(folder, now)).rejects.toMatchObject({
      code: 'taken',
      message: expect.stringContaining(`pid ${parent.pid}`),
    });
    const waits: string[] = [];
    const waiting = acquireFolderLock(folder, {
      waitMs: 20_000,
      signal: never,
      onWait: (who) => {
        waits.push(who);
        process.kill(childPid, 'SIGKILL');
      },
    });
    await (await waiting).release();
    expect(waits).toEqual([`pid ${parent.pid}`]);
  });

  it('is not waited for longer than asked', async () => {
    const lock = await acquireFolderLock(folder, now);
    const second = acquireFolderLock(folder, { waitMs: 50, signal: never });
    await expect(second).rejects.toMatchObject({ code: 'taken' });
    await lock.release();
  });

  it('is not waited for after an abort', async () => {
    const lock = await acquireFolderLock(folder, now);
    const stop = new AbortController();
    const reason = new Error('stop');
    const second = acquireFolderLock(folder, {
      waitMs: 600_000,
      signal: stop.signal,
      onWait: () => stop.abort(reason),
    });
    await expect(second).rejects.toBe(reason);
    await lock.release();
  });

  it('says what is missing when there is no flock', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder;
    try {
      await expect(acquireFolderLock(folder, now)).rejects.toMatchObject({
        code: 'no_flock',
        message: 'the program flock was not found; install the package util-linux',
      });
    } finally {
      process.env.PATH = path;
    }
  });

  it('says that a folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(acquireFolderLock(join(folder, 'file/x'), now)).rejects.toMatchObject({
      code: 'io',
    });
  });
});

describe('the lock that a child was given', () => {
  it('is found once, and only where it is a file', async () => {
    const lock = await acquireFolderLock(folder, now);
    const env: NodeJS.ProcessEnv = { PODCTL_LOCK_FD: String(lock.fd) };
    expect(inheritedLockFd(env)).toBe(lock.fd);
    expect(env).toEqual({});
    expect(inheritedLockFd(env)).toBeNull();
    expect(inheritedLockFd({ PODCTL_LOCK_FD: '9999' })).toBeNull();
    expect(inheritedLockFd({ PODCTL_LOCK_FD: 'x' })).toBeNull();
    await lock.release();
  });
});
