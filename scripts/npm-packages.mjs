// The locked npm packages, installed once. Plain JavaScript with built-ins only: nothing is installed when it runs.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** Why there are no packages, as one sentence without its full stop, and the exit code that says it. */
export class PackagesError extends Error {
  constructor(exitCode, sentence) {
    super(sentence);
    this.exitCode = exitCode;
  }
}

const TICK_MS = 5_000;
const WAIT_MS_MAX = 15 * 60_000;
/**
 * npm's own limits are 70 s for a registry that refuses, and 15 minutes for one that is silent. With these it is 6 s and
 * about 65 s: three tries of 20 s, the waits between them 1 s and 5 s. What the user set for npm counts before them.
 */
const NPM_LIMITS = {
  npm_config_fetch_retries: '2',
  npm_config_fetch_retry_mintimeout: '1000',
  npm_config_fetch_retry_maxtimeout: '5000',
  npm_config_fetch_timeout: '20000',
};
/**
 * Runs the program as the leader of its group, beside a shell that kills the group when descriptor 0 ends: we hold the
 * other end, so neither the program nor what it started outlives us, however we go.
 */
const TIE = `
exec 4<&0 </dev/null
( read -r _ <&4; kill -s KILL -- "-$$" ) >/dev/null 2>&1 &
exec "$@" 4<&-
`;

/** Rejects with PackagesError; or with the signal's reason, npm being gone then. */
export async function ensurePackages(root, signal) {
  if (isMarked(root, lockOf(root).hash)) return;
  // The lock is on the folder itself: it leaves no file, and the kernel frees it when the last holder is gone.
  const lockFd = openSync(root, 'r');
  try {
    await lockFolder(lockFd, signal);
    const { hash, packages } = lockOf(root);
    if (isMarked(root, hash)) return;
    if (!isInstalled(root, packages))
      await install(root, Object.keys(packages).length, lockFd, signal);
    if (spawnSync(nodeOf(root), ['--version']).status !== 0)
      throw new PackagesError(
        1,
        `no Node 24 for ${process.platform} on ${process.arch} came with the packages; expected Linux on x64 or arm64`,
      );
    writeFileSync(markOf(root), hash);
  } finally {
    closeSync(lockFd);
  }
}

function lockOf(root) {
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const hash = createHash('sha256').update(text).digest('hex');
  return { hash, packages: JSON.parse(text).packages };
}

const say = (text) => process.stderr.write(`${text}\n`);
const nodeOf = (root) => join(root, 'node_modules', '.bin', 'node');
const markOf = (root) => join(root, 'node_modules', '.installed');

function isMarked(root, hash) {
  const mark = markOf(root);
  return existsSync(mark) && existsSync(nodeOf(root)) && readFileSync(mark, 'utf8') === hash;
}

/** Whether `npm ci` done by hand left exactly this lock: npm's own record of the tree, and each package that it names. */
function isInstalled(root, packages) {
  const record = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (record === undefined || !Object.keys(record).every((path) => path in packages)) return false;
  return Object.entries(packages).every(([path, locked]) => {
    if (path === '') return true;
    const found = record[path];
    if (found === undefined) return isForElsewhere(locked);
    if (found.version !== locked.version || found.integrity !== locked.integrity) return false;
    return isThere(root, path, locked);
  });
}

function isThere(root, path, { link, resolved, version }) {
  if (!link) return readJson(join(root, path, 'package.json'))?.version === version;
  try {
    return realpathSync(join(root, path)) === realpathSync(join(root, resolved));
  } catch {
    return false;
  }
}

/** An optional package of another platform, or one that only such a package needs: it names no platform. */
function isForElsewhere({ optional, os, cpu, libc }) {
  if (!optional) return false;
  const fits = (list, value) => list === undefined || [list].flat().includes(value);
  const named = os !== undefined || cpu !== undefined;
  return !(named && fits(os, process.platform) && fits(cpu, process.arch) && fits(libc, 'glibc'));
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

async function lockFolder(lockFd, signal) {
  const began = Date.now();
  let toldAt = 0;
  for (let taken = await flock(lockFd, ['-n']); !taken; taken = await flock(lockFd, ['-w', '1'])) {
    signal.throwIfAborted();
    const waited = Date.now() - began;
    if (waited > WAIT_MS_MAX)
      throw new PackagesError(
        1,
        'another process has been installing the npm packages for 15 minutes; stop it, then run the same command again',
      );
    if (Date.now() - toldAt < TICK_MS) continue;
    if (toldAt === 0) say('Another process installs the npm packages; waiting for its end');
    else say(`  still waiting for it, ${Math.round(waited / 1000)} s`);
    toldAt = Date.now();
  }
  signal.throwIfAborted();
}

/** Node has no flock of its own: util-linux's program locks the file description that it inherits from us. */
async function flock(lockFd, how) {
  const child = spawn('flock', [...how, '3'], { stdio: ['ignore', 'ignore', 'ignore', lockFd] });
  const [code] = await once(child, 'exit').catch((error) => {
    const missing = 'the program flock was not found; install the package util-linux';
    throw new PackagesError(1, error.code === 'ENOENT' ? missing : error.message);
  });
  // 1: another one has it. None: a Ctrl-C that reached it before us.
  if (code !== 0 && code !== 1 && code !== null)
    throw new PackagesError(1, `the folder could not be locked: flock ended with code ${code}`);
  return code === 0;
}

async function install(root, count, lockFd, signal) {
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  say(`Installing npm packages: up to ${count}, about 110 MB to fetch (once)`);
  const tick = setInterval(() => say(`  still installing npm packages, ${seconds()} s`), TICK_MS);
  const log = join(root, 'npm-ci.log');
  const logFd = openSync(log, 'w');
  try {
    const code = await npmCi(root, lockFd, logFd, signal);
    signal.throwIfAborted();
    if (code !== 0) throw failure(root, code, log);
    rmSync(log, { force: true });
  } finally {
    clearInterval(tick);
    closeSync(logFd);
  }
  say(`Installed npm packages in ${seconds()} s`);
}

async function npmCi(root, lockFd, logFd, signal) {
  const words = ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'];
  const child = spawn('sh', ['-c', TIE, 'npm', ...words], {
    cwd: root,
    detached: true,
    stdio: ['pipe', logFd, logFd, lockFd],
    env: { ...NPM_LIMITS, ...process.env },
  });
  child.stdin.on('error', () => {});
  // npm has nothing to tidy up: what it leaves is done anew by the next start.
  const kill = () => child.stdin.destroy();
  signal.addEventListener('abort', kill, { once: true });
  try {
    if (signal.aborted) kill();
    const [code] = await once(child, 'exit');
    return code ?? 1;
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

function failure(root, code, log) {
  const words = readFileSync(log, 'utf8');
  const again = 'then run the same command again';
  if (code === 127) return new PackagesError(127, `npm was not found; install npm, ${again}`);
  if (/ENOSPC|EDQUOT/.test(words))
    return new PackagesError(
      1,
      `the disk of ${root} or of npm's cache is full; free some, ${again}`,
    );
  const more = `npm's words are in ${log}`;
  if (
    /\b(ECONN\w+|ENOTFOUND|EAI_AGAIN|\w*TIMEDOUT|\w*TIMEOUT|E(NET|HOST)UNREACH|network timeout)\b/.test(
      words,
    )
  )
    return new PackagesError(
      1,
      `the npm packages could not be fetched: the registry ${registryOf(root)} was not reached; check the network, or the registry that npm is set to, ${again} (${more})`,
    );
  const last = words.trim().split('\n').slice(-3).join('\n');
  return new PackagesError(
    code,
    `npm ci ended with code ${code}; ${more}, mend that, ${again}. Their end:\n${last}`,
  );
}

/** As npm has it, without the user's name and password. */
function registryOf(root) {
  const options = { cwd: root, encoding: 'utf8', timeout: 10_000 };
  const said =
    process.env.npm_config_registry ??
    spawnSync('npm', ['config', 'get', 'registry'], options).stdout?.trim() ??
    '';
  return said.replace(/\/\/[^/@]*@/, '//') || 'of npm';
}
