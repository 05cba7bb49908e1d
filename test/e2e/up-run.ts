import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, realpath, symlink } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type FamilyMember, familyOf, leftAfter } from './process-family.ts';

const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
/** What a fresh Debian has and podctl needs; nats-server and ffmpeg are not among them. */
const PROGRAMS = ['sh', 'sleep', 'flock'];

export interface UpEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly tookMs: number;
}

/** A folder for PATH with the few programs that podctl may rely on. */
export async function barePath(folder: string, python: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const name of PROGRAMS) await symlink(await which(name), join(folder, name));
  await symlink(await realpath(python), join(folder, 'python3'));
  return folder;
}

/** Where the Python environments of the tests lie, made by their set-up. */
export function pythonRoot(): { readonly root: string; readonly python: string } {
  const python = process.env.PODCTL_TEST_PYTHON ?? '';
  if (python === '')
    throw new Error('PODCTL_TEST_PYTHON is not set: run the tests through npm test');
  return { root: dirname(dirname(dirname(python))), python };
}

/** One life of `podctl up`, as a user starts it: without a terminal. */
export class UpRun {
  readonly child: ChildProcess;
  readonly ended: Promise<UpEnd>;
  readonly #mark = randomUUID();
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';

  constructor(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string) {
    const beganAtMs = performance.now();
    this.child = spawn(process.execPath, [PODCTL, 'up', ...args], {
      cwd,
      env: {
        // Compiled once for all tests: what Node keeps below a new home would be made anew by each.
        NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE,
        ...env,
        // The mark is inherited by the whole family: whoever of it is left can be found.
        PODCTL_E2E_MARK: this.#mark,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.on('data', (chunk: Buffer) => this.#take('out', chunk));
    this.child.stderr?.on('data', (chunk: Buffer) => this.#take('err', chunk));
    this.ended = once(this.child, 'close').then(([code, signal]) => ({
      code,
      signal,
      stdout: this.#stdout,
      stderr: this.#stderr,
      tookMs: performance.now() - beganAtMs,
    }));
  }

  /** Whether stdout matches by now. */
  hasShown(pattern: RegExp): boolean {
    return pattern.test(this.#stdout);
  }

  /** Resolves when stdout or stderr matches; rejects when `up` ends without it. */
  shows(pattern: RegExp): Promise<void> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!pattern.test(this.#stdout) && !pattern.test(this.#stderr)) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
      this.ended.then(({ code, stdout, stderr }) => {
        reject(
          new Error(`up ended with ${code} before it showed ${pattern}:\n${stderr}\n${stdout}`),
        );
      }, reject);
    });
  }

  /** Processes of the family whose command line has the text, as soon as there is one; none when `up` has ended. */
  async pidsOf(text: string): Promise<number[]> {
    for (;;) {
      const family = await this.family();
      const pids = family.filter(({ command }) => command.includes(text)).map(({ pid }) => pid);
      if (pids.length > 0 || this.child.exitCode !== null || this.child.signalCode !== null)
        return pids;
      // What `up` shows can come before the agent has started its engine, and nobody tells of a grandchild.
      await delay(20);
    }
  }

  /** Every process that lives and carries the mark. */
  family(): Promise<FamilyMember[]> {
    return familyOf(this.#mark);
  }

  /** Those that are still there after `msMax`; comes back as soon as there are none. */
  leftAfter(msMax: number): Promise<string[]> {
    return leftAfter(this.#mark, msMax);
  }

  #take(stream: 'out' | 'err', chunk: Buffer): void {
    if (stream === 'out') this.#stdout += chunk.toString('utf8');
    else this.#stderr += chunk.toString('utf8');
    for (const check of this.#waiting) check();
  }
}

async function which(name: string): Promise<string> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = await realpath(join(folder, name)).catch(() => null);
    if (path !== null) return path;
  }
  throw new Error(`the program ${name} is not installed`);
}
