import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export const PODCTL = fileURLToPath(new URL('../bin/podctl.js', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** A podctl process that the test may signal. */
export interface RunningPodctl {
  readonly child: ChildProcess;
  readonly ended: Promise<Ran>;
  /** Resolves when stdout or stderr has the text; rejects when the process ends without it. */
  shows(text: string): Promise<void>;
}

/** What whoever runs the tests has set for themselves. */
const names = ['SERVER', 'CONTEXT', 'DATA_DIR', 'CA_FILE', 'TOKEN_FILE'].map((n) => `PODCTL_${n}`);

/** Of the test's own process, without what would lead podctl elsewhere; no contexts but those that the test makes. */
export function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !names.includes(name));
  return { ...Object.fromEntries(kept), XDG_CONFIG_HOME: '/nonexistent' };
}

/** Starts podctl as a user does: a process of its own, with this test's Node. */
export function startPodctl(args: readonly string[], options: RunOptions = {}): RunningPodctl {
  const child = spawn(process.execPath, [PODCTL, ...args], {
    env: { ...environment(), ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const ran = { stdout: '', stderr: '' };
  const waiting = new Set<() => void>();
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      ran[stream] += chunk.toString('utf8');
      for (const check of waiting) check();
    });
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...ran }));
  const shows = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const check = () => {
        if (!(ran.stdout + ran.stderr).includes(text)) return;
        waiting.delete(check);
        resolve();
      };
      waiting.add(check);
      check();
      ended.then((end) => {
        reject(
          new Error(
            `podctl ended with ${end.code} before it showed ${JSON.stringify(text)}:\n${end.stderr}\n${end.stdout}`,
          ),
        );
      }, reject);
    });
  return { child, ended, shows };
}

export function runPodctl(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  return startPodctl(args, options).ended;
}
