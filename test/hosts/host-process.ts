import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Watch } from '../failpoint/watch.ts';
import type { Host } from './network.ts';

const LINES_KEPT = 20_000;
const END_MS_MAX = 30_000;

export interface HostCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** A small disk of its own, put over this folder and seen by this process alone. */
  readonly disk?: { readonly folder: string; readonly bytes: number };
}

export interface LogLine {
  readonly text: string;
  readonly atMs: number;
  /** The fields, when it is one of our processes' JSON lines. */
  readonly fields: { readonly [name: string]: unknown };
}

/** One program on one host, over several lives. It ends with the test, whatever becomes of that. */
export class HostProcess {
  readonly host: Host;
  readonly name: string;
  /** The last lines, of all lives. */
  readonly said: LogLine[] = [];
  /** Exit code or signal of the last life; null before. */
  ended: string | null = null;
  readonly #command: HostCommand;
  readonly #watch: Watch;
  #startedMs = 0;
  #child: ChildProcess | null = null;

  constructor(name: string, host: Host, command: HostCommand, watch: Watch) {
    this.name = name;
    this.host = host;
    this.#command = command;
    this.#watch = watch;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Of the running life: `ip` and `setpriv` put the program in their own place. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    if (this.#child !== null) return;
    const { command, args, env, cwd, disk } = this.#command;
    const onDisk =
      disk === undefined ? [] : ['sh', '-c', MOUNTED, 'sh', `size=${disk.bytes}`, disk.folder];
    const words = [
      ...['--pdeathsig', 'KILL', 'ip', 'netns', 'exec', this.host.namespace],
      ...onDisk,
      command,
      ...args,
    ];
    const child = spawn('setpriv', words, {
      env: env ?? process.env,
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#startedMs = performance.now();
    this.#read(child.stdout);
    this.#read(child.stderr);
    child.once('close', (code, signal) => {
      this.#child = null;
      this.ended = `${code ?? signal}`;
      this.#watch.wake();
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** Resolves when it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    if (signal === 'SIGTERM') child.kill('SIGCONT');
    child.kill(signal);
    const gone = () => (this.#child === child ? null : true);
    await this.#watch.until(`the end of ${this.name}`, gone, END_MS_MAX);
  }

  /** The lines since that moment which hold the text. */
  linesWith(text: string, sinceMs = 0): LogLine[] {
    const first = this.said.findLastIndex(({ atMs }) => atMs < sinceMs);
    return this.said.slice(first + 1).filter((line) => line.text.includes(text));
  }

  /** Whether it has logged that message since it was started last. */
  saidInThisLife(msg: string): boolean {
    return this.said.some(({ atMs, fields }) => atMs >= this.#startedMs && fields.msg === msg);
  }

  #read(stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (text) => {
      const line = { text, atMs: performance.now(), fields: fieldsOf(text) };
      this.said.push(line);
      if (this.said.length > LINES_KEPT) this.said.splice(0, LINES_KEPT / 10);
      this.#watch.wake();
    });
  }
}

/** `ip netns exec` has made a mount namespace of the process's own: nothing is left behind. */
const MOUNTED = 'mount -t tmpfs -o "$1" tmpfs "$2" || exit 1; shift 2; exec "$@"';

function fieldsOf(text: string): LogLine['fields'] {
  if (!text.startsWith('{')) return {};
  try {
    return JSON.parse(text) as LogLine['fields'];
  } catch {
    return {};
  }
}
