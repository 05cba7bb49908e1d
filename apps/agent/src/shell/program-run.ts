import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { ChildError } from '@podctl/platform/child/child-error.ts';
import { type Child, type ChildExit, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Clock } from '@podctl/platform/clock.ts';

export interface ProgramSpec {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The run's own folder: what it holds is limited, but for files named in `uncounted`. */
  readonly folder: string;
  readonly uncounted: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly lockFd: number | null;
  readonly clock: Clock;
  /** Each line of its stdout. */
  readonly onLine: (line: string) => void;
  /** Each line of its stderr, cut; after 2,000 of them it is told once that the rest is left out. */
  readonly said: (line: string) => void;
  /** Of stdout, and of what it writes into the folder. */
  readonly outputBytesMax: number;
}

export type ProgramEnd =
  | { readonly kind: 'exited'; readonly exit: ChildExit }
  | { readonly kind: 'cancelled' }
  /** A sentence. */
  | { readonly kind: 'boundless'; readonly message: string }
  | { readonly kind: 'unstartable'; readonly message: string };

/** TERM first, KILL to its whole family after so long. */
const GRACE_MS = 1_000;
const LOOK_MS = 1_000;
const LAST_LINES_MS = 500;
const SAID_LINES_MAX = 2_000;
const SAID_LENGTH_MAX = 1_000;
const FILES_MAX = 1_000;

/** Runs a program to its end; it dies with this process, however this one dies, and with the signal. */
export async function runProgram(spec: ProgramSpec, signal: AbortSignal): Promise<ProgramEnd> {
  if (signal.aborted) return { kind: 'cancelled' };
  let child: Child;
  const full = new AbortController();
  let printedBytes = 0;
  const read = (bytes: number) => {
    printedBytes += bytes;
    if (printedBytes > spec.outputBytesMax) full.abort();
  };
  try {
    child = await spawnChild({
      ...{ name: spec.name, command: spec.command, args: spec.args, cwd: spec.folder },
      ...{ tie: 'shell', env: spec.env, lockFd: spec.lockFd, stdout: 'lines' },
      log: limited(spec.said),
      ...{ lineBytesMax: spec.outputBytesMax, read },
    });
  } catch (error) {
    if (!(error instanceof ChildError)) throw error;
    return { kind: 'unstartable', message: `${error.message}.` };
  }
  const stop = () => void child.stop({ graceMs: GRACE_MS });
  signal.addEventListener('abort', stop, { once: true });
  // Aborted while it was started: no listener heard that.
  if (signal.aborted) stop();
  try {
    const { exit, tooMuch } = await followed(spec, child, full.signal);
    if (signal.aborted) return { kind: 'cancelled' };
    return tooMuch === null ? { kind: 'exited', exit } : { kind: 'boundless', message: tooMuch };
  } finally {
    signal.removeEventListener('abort', stop);
    child.kill();
  }
}

/** To its end; what writes without end is killed. @param full it has printed too much. */
async function followed(spec: ProgramSpec, child: Child, full: AbortSignal) {
  const over = new AbortController();
  const seen: { tooMuch: string | null } = { tooMuch: null };
  const boundless = (where: string) => {
    seen.tooMuch ??= `${spec.name} wrote more than ${spec.outputBytesMax} bytes ${where} and was killed.`;
    child.kill();
  };
  void watchFolder(spec, over.signal, () => boundless('into its folder'));
  full.addEventListener('abort', () => boundless('to its stdout'), { once: true });
  const reading = readLines(spec, child, full);
  try {
    const exit = await child.exited;
    // What left its family may hold the pipe for ever; all that the program itself wrote is there by now.
    await Promise.race([reading, spec.clock.sleep(LAST_LINES_MS, over.signal)]);
    return { exit, tooMuch: seen.tooMuch };
  } finally {
    over.abort();
  }
}

async function readLines(spec: ProgramSpec, child: Child, full: AbortSignal): Promise<void> {
  for await (const line of child.lines)
    if (line.kind === 'line' && !full.aborted) spec.onLine(line.text);
}

/** In words, with the last thing that it said. */
export function exitWords({ code, signal, stderrTail }: ChildExit): string {
  const how = signal === null ? `exit code ${code}` : `signal ${signal}`;
  const last =
    stderrTail
      .trim()
      .split(/[\r\n]+/)
      .at(-1)
      ?.trim()
      .slice(0, 300) ?? '';
  return last === '' ? `${how}.` : `${how} (${last.replace(/\.$/, '')}).`;
}

function limited(said: (line: string) => void): (line: string) => void {
  let lines = 0;
  return (line) => {
    lines += 1;
    // A bar of progress is drawn over itself.
    const shown = line.slice(line.lastIndexOf('\r') + 1);
    if (lines <= SAID_LINES_MAX) said(shown.slice(0, SAID_LENGTH_MAX));
    else if (lines === SAID_LINES_MAX + 1) said('(the rest of what it says is left out)');
  };
}

async function watchFolder(spec: ProgramSpec, over: AbortSignal, full: () => void): Promise<void> {
  for (;;) {
    await spec.clock.sleep(LOOK_MS, over).catch(() => undefined);
    if (over.aborted) return;
    if (await isFull(spec).catch(() => false)) full();
  }
}

/** With all folders within it. */
async function isFull({ folder, uncounted, outputBytesMax }: ProgramSpec): Promise<boolean> {
  const ours = uncounted.map((name) => join(folder, name));
  let [files, bytes] = [0, 0];
  for await (const { name, parentPath } of await opendir(folder, { recursive: true })) {
    const path = join(parentPath, name);
    files += 1;
    if (!ours.includes(path)) bytes += await lstat(path).then(({ size }) => size, zero);
    if (files > FILES_MAX || bytes > outputBytesMax) return true;
  }
  return false;
}

function zero(): number {
  return 0;
}
