import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('bare_loop.py', import.meta.url));

/** What one way made of the files, and the seconds that it took. */
export interface LoopRun {
  readonly seconds: number;
  /** In the order of the files. */
  readonly texts: readonly string[];
}

export interface LoopPlace {
  readonly python: string;
  /** Folder of the model. */
  readonly model: string;
  /** Its own, for what it writes. */
  readonly out: string;
}

/** faster-whisper's batched pass over all files in one process; the clock runs once the model is loaded. */
export async function batchedLoop(place: LoopPlace, paths: readonly string[]): Promise<LoopRun> {
  await mkdir(place.out, { recursive: true });
  const seconds = await oneProcess(place, 'batched', paths);
  return { seconds, texts: await textsOf(place.out, paths) };
}

/** A fresh process and a fresh load of the model for every file, unbatched; all of it counts. */
export async function freshProcesses(place: LoopPlace, paths: readonly string[]): Promise<LoopRun> {
  await mkdir(place.out, { recursive: true });
  const began = performance.now();
  for (const path of paths) await oneProcess(place, 'sequential', [path]);
  const seconds = (performance.now() - began) / 1_000;
  return { seconds, texts: await textsOf(place.out, paths) };
}

/** A program for each file, `{audio}` and `{stem}` put in. The text is read from `<stem>.txt`. */
export async function programLoop(
  program: readonly string[],
  out: string,
  paths: readonly string[],
): Promise<LoopRun> {
  await mkdir(out, { recursive: true });
  const began = performance.now();
  for (const path of paths) {
    const [command = '', ...args] = program.map((word) =>
      word.replaceAll('{audio}', path).replaceAll('{stem}', stem(out, path)),
    );
    const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-2_000);
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
  }
  const seconds = (performance.now() - began) / 1_000;
  return { seconds, texts: await textsOf(out, paths) };
}

async function oneProcess(
  { python, model, out }: LoopPlace,
  way: string,
  paths: readonly string[],
): Promise<number> {
  const child: ChildProcessWithoutNullStreams = spawn(python, [SCRIPT, model, out, way, ...paths]);
  child.stderr.pipe(process.stderr);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ready = await lines.next();
  if (ready.value !== 'ready') throw new Error('the bare loop did not load its model');
  child.stdin.end('go\n');
  const last = await lines.next();
  const [code] = child.exitCode === null ? await once(child, 'close') : [child.exitCode];
  if (code !== 0 || last.done) throw new Error(`the bare loop ended with ${code}`);
  return Number(last.value);
}

function stem(out: string, path: string): string {
  return join(out, basename(path, '.mp3'));
}

async function textsOf(out: string, paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => readFile(`${stem(out, path)}.txt`, 'utf8')));
}
