import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { LOCK_FD_VARIABLE } from '../folder-lock.ts';
import { ChildError } from './child-error.ts';
import { LINE_BYTES_MAX, type Line, LineSplitter, lines } from './lines.ts';
import { PARENT_FD_VARIABLE } from './parent-watch.ts';

/**
 * A child process that dies with its parent, however the parent dies: the kernel closes the parent's end of a pipe.
 * States: running, then ended, once and for good. It leads a process group of its own, so that a Ctrl-C in the
 * terminal reaches the parent alone, which stops its children in order; and so that the whole group can be killed.
 *
 * Who watches the pipe:
 *   node    a Node process of ours, on descriptor 3, by `watchParent`
 *   stdin   a program that ends by itself at the end of its stdin (the engine); lines can be written to it
 *   shell   any other program, which knows nothing of this: a shell beside it watches
 */
export type ChildTie = 'node' | 'stdin' | 'shell';

export interface ChildSpec {
  /** For messages: `engine`, `nats-server`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly tie: ChildTie;
  readonly cwd?: string;
  /** The whole environment; the parent's when left out. */
  readonly env?: NodeJS.ProcessEnv;
  /** `lines`: read from `child.lines`, which must be read, or the child stops at a full pipe. `log`: each line is logged. */
  readonly stdout: 'lines' | 'log' | 'inherit';
  readonly stderr?: 'log' | 'inherit';
  /** Takes what is logged, line by line. */
  readonly log: (line: string) => void;
  /** Descriptor of a lock that must stay while the child lives; it is 4 in the child. */
  readonly lockFd?: number | null;
  readonly lineBytesMax?: number;
  /** Told how many bytes of stdout were read, where `stdout` is `lines`, as they come: a line may never end. */
  readonly read?: (bytes: number) => void;
}

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The end of what it wrote to stderr, at most 8 KiB. */
  readonly stderrTail: string;
}

const STDERR_TAIL_BYTES_MAX = 8 * 1024;
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;
/** How long a grandchild that left the group and holds the pipes may keep an ended child from being reported. */
const PIPES_CLOSE_MS_MAX = 500;

/**
 * Runs the program, and ends when EITHER the program ends (with its exit code) or the parent does (stdin ends): the
 * group gets TERM then, and KILL after 5 s. `read` is a builtin: no `cat` stays behind. What is left of the group when
 * the program has ended gets TERM. `wait` returns early at each signal that is trapped, hence the loop. Of the forms of
 * `kill` for a group, dash and bash both take only `-s TERM -- -group`.
 */
const SHELL_TIE = `
exec 3<&0 </dev/null
p= t=
trap 't=1; [ -z "$p" ] || kill -TERM "$p" 2>/dev/null' TERM
"$@" 3<&- &
p=$!
[ -z "$t" ] || kill -TERM "$p" 2>/dev/null
( trap : TERM; exec 4>&-
  read -r _ <&3
  kill -s TERM -- "-$$"
  exec 3<&-
  sleep 5
  kill -s KILL -- "-$$" ) >/dev/null 2>&1 &
w=$!
exec 3<&-
c=0
while :; do
  wait "$p"; c=$?
  kill -0 "$p" 2>/dev/null || break
done
trap : TERM
kill -KILL "$w" 2>/dev/null
kill -s TERM -- "-$$"
exit "$c"
`;

/** Rejects with `ChildError` `start` when there is no such program. */
export async function spawnChild(spec: ChildSpec): Promise<Child> {
  const [command, args] =
    spec.tie === 'shell'
      ? ['sh', ['-c', SHELL_TIE, spec.name, spec.command, ...spec.args]]
      : [spec.command, [...spec.args]];
  const child = spawn(command, args, {
    stdio: stdioOf(spec),
    env: envOf(spec),
    detached: true,
    ...(spec.cwd === undefined ? {} : { cwd: spec.cwd }),
  });
  try {
    await once(child, 'spawn');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ChildError('start', `${spec.name} could not be started: ${why}`, error);
  }
  return new Child(spec, child);
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** Lines of stdout, once, where `stdout` is `lines`; else it ends at once. */
  readonly lines: AsyncIterable<Line>;
  /** Never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #tie: ChildTie;
  #stderrTail = Buffer.alloc(0);
  #ended = false;

  constructor(spec: ChildSpec, child: ChildProcess) {
    this.name = spec.name;
    this.pid = child.pid ?? 0;
    this.#process = child;
    this.#tie = spec.tie;
    // A write to a child that has ended fails: the write's own callback tells, or nobody needs to know.
    for (const end of child.stdio) end?.on('error', () => {});
    const bytesMax = spec.lineBytesMax ?? LINE_BYTES_MAX;
    this.lines = lines(
      spec.stdout === 'lines' && child.stdout ? counted(child.stdout, spec.read) : nothing(),
      bytesMax,
    );
    if (spec.stdout === 'log' && child.stdout) logLines(child.stdout, bytesMax, spec.log);
    if (child.stderr) {
      child.stderr.on('data', (chunk: Buffer) => this.#keepTail(chunk));
      logLines(child.stderr, bytesMax, spec.log);
    }
    this.exited = this.#watch();
  }

  /** True until the process has ended. */
  get running(): boolean {
    return !this.#ended;
  }

  /**
   * Writes a line to the child's stdin; resolves when the pipe took it. Only for the tie `stdin`.
   * Rejects with `ChildError`: `busy` when more than 4 MiB wait to be read, `gone` when the child has ended.
   */
  async writeLine(text: string): Promise<void> {
    const stdin = this.#tie === 'stdin' ? this.#process.stdin : null;
    if (stdin === null || this.#ended || !stdin.writable)
      throw new ChildError('gone', `${this.name} has ended: nothing can be written to it`);
    if (stdin.writableLength + text.length > UNREAD_BYTES_MAX)
      throw new ChildError('busy', `${this.name} does not read what is written to it`);
    await written(stdin, `${text}\n`).catch((error) => {
      throw new ChildError('gone', `${this.name} has ended: nothing can be written to it`, error);
    });
  }

  /**
   * `signal` (TERM), and KILL to its whole group after `graceMs`. Resolves when it has ended. Safe twice: the earlier
   * KILL counts; and after its end.
   */
  async stop(options: {
    readonly graceMs: number;
    readonly signal?: NodeJS.Signals;
  }): Promise<ChildExit> {
    if (this.#ended) return this.exited;
    this.#process.kill(options.signal ?? 'SIGTERM');
    const timer = setTimeout(() => this.kill(), options.graceMs);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** KILL to its whole group, now. */
  kill(): void {
    if (!this.#ended) killGroup(this.pid);
  }

  async #watch(): Promise<ChildExit> {
    const child = this.#process;
    const closed = once(child, 'close');
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    this.#ended = true;
    killGroup(this.pid);
    // Our ends of its pipes: what watches them (the shell's watcher, should the shell be killed) sees the end.
    child.stdin?.destroy();
    child.stdio[3]?.destroy();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, PIPES_CLOSE_MS_MAX);
    });
    await Promise.race([closed, late]);
    clearTimeout(timer);
    return { code, signal, stderrTail: this.#stderrTail.toString('utf8') };
  }

  #keepTail(chunk: Buffer): void {
    this.#stderrTail = Buffer.concat([this.#stderrTail, chunk]).subarray(-STDERR_TAIL_BYTES_MAX);
  }
}

/** Nothing of a group outlives its leader. */
function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
}

function stdioOf(spec: ChildSpec): StdioOptions {
  const output = spec.stdout === 'inherit' ? 'inherit' : 'pipe';
  const errors = spec.stderr === 'inherit' ? 'inherit' : 'pipe';
  const third = spec.tie === 'node' ? 'pipe' : 'ignore';
  const lock = spec.lockFd ?? null;
  const stdin = spec.tie === 'node' ? 'ignore' : 'pipe';
  return [stdin, output, errors, third, ...(lock === null ? [] : [lock])];
}

function envOf(spec: ChildSpec): NodeJS.ProcessEnv {
  const env = { ...(spec.env ?? process.env) };
  delete env[PARENT_FD_VARIABLE];
  delete env[LOCK_FD_VARIABLE];
  if (spec.tie !== 'node') return env;
  env[PARENT_FD_VARIABLE] = '3';
  if ((spec.lockFd ?? null) !== null) env[LOCK_FD_VARIABLE] = '4';
  return env;
}

function logLines(stream: Readable, bytesMax: number, log: (line: string) => void): void {
  const splitter = new LineSplitter(bytesMax);
  const tell = (line: Line) =>
    log(line.kind === 'line' ? line.text : `(a line of ${line.sizeBytes} bytes is left out)`);
  stream.on('data', (chunk: Buffer) => splitter.push(chunk).forEach(tell));
  stream.once('end', () => splitter.end().forEach(tell));
}

function written(stream: Writable, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  read: (bytes: number) => void = () => undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    read(chunk.length);
    yield chunk;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
