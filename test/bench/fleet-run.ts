import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PODCTL = fileURLToPath(new URL('../../apps/cli/bin/podctl.js', import.meta.url));
const run = promisify(execFile);

interface FleetEvent {
  readonly at: string;
  readonly type: string;
  readonly feed: string | null;
  readonly stage: string | null;
}

interface EpisodeItem {
  readonly stages: readonly { readonly stage: string; readonly state: string }[];
}

const ASKED_MAX = 100;

/** A whole fleet on this machine, as `podctl up` makes it, driven as a user would. */
export class FleetRun {
  readonly #folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #up: ChildProcess;

  private constructor(folder: string, env: NodeJS.ProcessEnv, up: ChildProcess) {
    this.#folder = folder;
    this.#env = env;
    this.#up = up;
  }

  static async start(folder: string, pythonRoot: string): Promise<FleetRun> {
    await writeFile(join(folder, 'podctl.yaml'), 'network: {allowPrivate: true}\n');
    const env = {
      ...process.env,
      HOME: folder,
      PODCTL_PYTHON_ROOT: pythonRoot,
      HF_HUB_OFFLINE: '1',
    };
    const args = [PODCTL, 'up', '--data-dir', join(folder, 'data')];
    const up = spawn(process.execPath, args, {
      cwd: folder,
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    for await (const line of createInterface(up.stderr)) {
      if (!line.includes('podctl is ready')) continue;
      up.stderr.resume();
      return new FleetRun(folder, env, up);
    }
    throw new Error(`podctl up ended with ${up.exitCode} before it was ready`);
  }

  /** Adds a feed, waits until all its episodes are transcribed. Seconds from its first assignment of one to its last result. */
  async transcribe(url: string, episodes: number): Promise<number> {
    const added = JSON.parse(await this.#podctl('feed', 'add', url, '--json')) as {
      items: readonly { feedId: string }[];
    };
    const id = added.items[0]?.feedId ?? '';
    const follow = spawn(
      process.execPath,
      this.#args('events', '-f', '-o', 'jsonl', '--feed', id),
      {
        cwd: this.#folder,
        env: this.#env,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const times = new Map<string, number[]>();
    for await (const line of createInterface(follow.stdout)) {
      const event = JSON.parse(line) as FleetEvent;
      if (event.stage !== 'transcribe') continue;
      if (event.type === 'job-retry') throw new Error(`not a clean run: ${line}`);
      times.set(event.type, [...(times.get(event.type) ?? []), Date.parse(event.at)]);
      if (times.get('job-done')?.length === episodes) break;
    }
    follow.kill();
    await this.#readable(id, episodes);
    return (Date.now() - Math.min(...(times.get('job-assigned') ?? []))) / 1_000;
  }

  /** The transcripts of a feed as text, in the order of their titles. */
  async texts(feed: string): Promise<readonly string[]> {
    const out = join(this.#folder, 'export');
    await this.#podctl('transcript', 'export', '--to', out, '--feed', feed, '--format', 'txt');
    const paths = await readdir(out, { recursive: true });
    const files = paths.filter((path) => path.endsWith('.txt')).sort();
    return Promise.all(files.map((path) => readFile(join(out, path), 'utf8')));
  }

  async stop(): Promise<void> {
    if (this.#up.exitCode !== null) return;
    this.#up.kill('SIGTERM');
    await once(this.#up, 'exit');
  }

  /** An accepted result is told a moment before readers have it. */
  async #readable(feed: string, episodes: number): Promise<void> {
    for (let asked = 0; asked < ASKED_MAX; asked += 1) {
      const listed = await this.#podctl('episode', 'list', '--feed', feed, '--json');
      const { items } = JSON.parse(listed) as { items: readonly EpisodeItem[] };
      const isDone = ({ stages }: EpisodeItem) =>
        stages.some(({ stage, state }) => stage === 'transcribe' && state === 'done');
      if (items.filter(isDone).length === episodes) return;
    }
    throw new Error('what was accepted did not become readable');
  }

  async #podctl(...words: string[]): Promise<string> {
    const options = { cwd: this.#folder, env: this.#env, maxBuffer: 64 * 1024 * 1024 };
    const { stdout } = await run(process.execPath, this.#args(...words), options);
    return stdout;
  }

  #args(...words: string[]): string[] {
    return [PODCTL, ...words, '--data-dir', join(this.#folder, 'data')];
  }
}
