import { constants } from 'node:fs';
import { readdir, realpath, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { isThere } from './apply-effect.ts';
import type { NeededPath } from './preflight.ts';
import { isAgentsOwn } from './uninstall-plan.ts';

/** What the preflight looks at on disk. */
export async function neededPath(path: string): Promise<NeededPath> {
  const real = await realpath(path).catch(() => path);
  for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
    const { mode } = await stat(folder);
    if ((mode & constants.S_IXOTH) === 0) return { path: real, closedAt: folder };
  }
  return { path: real, closedAt: null };
}

/** Free for this user on the disk where the folder is, or will be; null when it cannot be told. */
export async function freeBytes(path: string): Promise<number | null> {
  for (let folder = path; ; folder = dirname(folder)) {
    if (await isThere(folder)) {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    }
    if (folder === dirname(folder)) return null;
  }
}

/** What any folder may hold: agent.yaml is of an agent in a terminal, the other of a disk of its own. */
const NOBODYS = ['agent.yaml', 'lost+found'];

/** Whose data folder it is already, in words; null when it is nobody's, or an agent's. */
export async function otherOwner(stateDir: string): Promise<string | null> {
  const names = await readdir(stateDir).catch(() => []);
  if (names.some((name) => name === 'nats' || name === 'coordinator'))
    return 'a coordinator or "podctl up"';
  const foreign = names.find((name) => !isAgentsOwn(name) && !NOBODYS.includes(name));
  return foreign === undefined ? null : `somebody else (it holds ${JSON.stringify(foreign)})`;
}

const PORTS_TRIED_MAX = 20;

/** `wanted`, or the next one that is free on loopback. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + PORTS_TRIED_MAX; port += 1)
    if (await isFree(port)) return port;
  return wanted;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
