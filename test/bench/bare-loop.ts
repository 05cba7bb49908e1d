import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile } from 'node:fs/promises';
import { basename, extname, join, parse } from 'node:path';
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

/** A program for each file, `{audio}` put in, which writes its text beside the audio or as `<name>.txt` where it runs. */
export async function programLoop(
  program: readonly string[],
  env: NodeJS.ProcessEnv,
  out: string,
  paths: readonly string[],
): Promise<LoopRun> {
  await mkdir(out, { recursive: true });
  const began = performance.now();
  for (const path of paths) {
    const [command = '', ...args] = program.map((word) => word.replaceAll('{audio}', path));
    const child = spawn(command, args, {
      cwd: out,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-2_000);
    });
    const [code] = await once(child, 'close');
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${said}`);
  }
  const seconds = (performance.now() - began) / 1_000;
  return { seconds, texts: await Promise.all(paths.map((path) => textBeside(path, out))) };
}

async function textBeside(path: string, out: string): Promise<string> {
  const { dir, name, base } = parse(path);
  const places = [join(dir, `${base}.txt`), join(dir, `${name}.txt`), `${stem(out, path)}.txt`];
  for (const place of places) {
    const text = await readFile(place, 'utf8').catch(() => null);
    if (text !== null) return text;
  }
  throw new Error(`no text of ${path} was written`);
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
  return join(out, basename(path, extname(path)));
}

async function textsOf(out: string, paths: readonly string[]): Promise<readonly string[]> {
  return Promise.all(paths.map((path) => readFile(`${stem(out, path)}.txt`, 'utf8')));
}
