import { createHash } from 'node:crypto';
import { parseCheckpointName } from '@podctl/domain/checkpoint-name.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import {
  EPISODES_ROOT,
  PODCASTS_ROOT,
  parseStaging,
  STAGING_ROOT,
} from '@podctl/domain/library-path.ts';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import type { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { folderOf } from './invariants.ts';
import type { SimProcess } from './process.ts';
import type { Accepted, Recorder } from './recorder.ts';
import type { LibraryWitness } from './sim-library.ts';

const BYTES_MAX = 1_000_000;
const NAMES: { readonly [S in Stage]: readonly string[] } = {
  download: ['audio.mp3', 'metadata.json'],
  transcribe: ['transcript.txt', 'transcript.srt', 'transcript.vtt', 'transcript.json'],
};

/** A reader of the library never sees a part, nor a file of an unaccepted attempt. */
export class LibraryJudge implements LibraryWitness {
  readonly #log: Recorder;
  readonly #files: MemoryLibrary;
  readonly #looked = new Set<string>();
  /** The run of those that lie in a staging folder. */
  readonly #checkpoints = new Map<string, number>();

  constructor(log: Recorder, files: MemoryLibrary) {
    this.#log = log;
    this.#files = files;
  }

  wrote(by: SimProcess, path: string): void {
    const log = this.#log;
    log.trace.add(by.name, 'writes', path);
    const place = parseStaging(path);
    if (place === null) {
      log.violate('Agents write under staging/ only', `${by.name} wrote ${path}`);
      return;
    }
    const folder = path.slice(0, path.length - place.rest.length - 1);
    if (log.finishedMs.has(folder))
      log.violate('Nobody writes into a finished staging folder', `${by.name} wrote ${path}`);
    const checkpoint = parseCheckpointName(place.rest);
    if (checkpoint !== null) this.#checkpoints.set(folder, checkpoint.run);
    if (place.rest === MANIFEST_NAME) log.finishedMs.set(folder, log.time.nowMs);
  }

  linked(by: SimProcess, from: string, to: string): void {
    const log = this.#log;
    log.trace.add(by.name, 'links', from, to);
    const words = 'A reader never sees a file of an unaccepted attempt';
    const attempt = attemptOf(to.startsWith(`${PODCASTS_ROOT}/`) ? from : to);
    const accepted = attempt === null ? undefined : log.accepted.get(attempt.id);
    if (accepted === undefined || accepted.token !== attempt?.token)
      log.violate(words, `${by.name} linked ${from} to ${to}`);
    else if (to.startsWith(`${PODCASTS_ROOT}/`) && accepted.doneAtMs === null)
      log.violate(words, `${by.name} showed ${from} before it was done`);
  }

  removed(by: SimProcess, folder: string): void {
    const log = this.#log;
    log.trace.add(by.name, 'removes', folder);
    const place = parseStaging(folder);
    const row = place === null ? undefined : log.jobs.get(`${place.feed}.${place.episode}`);
    const lock = place === null ? undefined : row?.state.stages[place.stage].lock;
    if (this.#isCurrentCheckpoint(folder, row?.state))
      log.violate('A checkpoint of the current run is never swept', `${by.name} removed ${folder}`);
    const holds = lock?.state === 'held' || lock?.state === 'committed';
    if (
      place !== null &&
      holds &&
      lock.token === place.token &&
      row?.state.cluster === place.cluster
    )
      log.violate('What is held or committed is never swept', `${by.name} removed ${folder}`);
    if (!folder.startsWith(`${STAGING_ROOT}/`))
      log.violate('Only what is under staging/ is ever removed', folder);
  }

  #isCurrentCheckpoint(folder: string, state: EpisodeState | undefined): boolean {
    const place = parseStaging(folder);
    const run = this.#checkpoints.get(folder);
    if (place === null || run === undefined || place.cluster !== state?.cluster) return false;
    return run === nextRun(state.stages[place.stage]);
  }

  /** What is committed came from the token that held the lock; asked after each revision that committed one. */
  committed(feed: string, episode: string, stage: Stage): void {
    const state = this.#log.jobs.get(`${feed}.${episode}`)?.state;
    const lock = state?.stages[stage].lock;
    if (state === undefined || lock?.state !== 'committed') return;
    const folder = folderOf(state.cluster, feed, episode, stage, lock.token);
    if (this.#looked.has(folder)) return;
    this.#looked.add(folder);
    void this.#whatIsWrong(folder, lock.manifest.sha256).then((wrong) => {
      if (wrong === null) return;
      const words = 'An accepted result came from the token that held the lock';
      this.#log.violate(words, `${folder}: ${wrong}`);
    });
  }

  /** Whatever the pointer shows is whole; asked after each revision that flipped one. */
  done(feed: string, episode: string, stage: Stage): void {
    const done = this.#log.jobs.get(`${feed}.${episode}`)?.state.stages[stage].done ?? null;
    if (done === null) return;
    const folder = `${EPISODES_ROOT}/${feed}/${episode}/${stage}/r${done.run}-${done.token}`;
    if (this.#looked.has(folder)) return;
    this.#looked.add(folder);
    void this.#whatIsWrong(folder, done.manifest.sha256).then((wrong) => {
      if (wrong !== null)
        this.#log.violate('A reader of the library never sees a part', `${folder}: ${wrong}`);
    });
  }

  /** Everything that was ever accepted is there. */
  async everything(): Promise<void> {
    for (const [id, accepted] of this.#log.accepted) await this.#stillThere(id, accepted);
  }

  /** The newest accepted attempt that is not shown under its readable names; null when all are. */
  async notShown(): Promise<string | null> {
    const shown = await this.#files.list(PODCASTS_ROOT, BYTES_MAX);
    const texts = new Set<string>();
    for (const { path } of shown) texts.add(await this.#text(path));
    for (const path of this.#doneFiles()) if (!texts.has(await this.#text(path))) return path;
    return null;
  }

  *#doneFiles(): Generator<string> {
    for (const { feed, episode, state } of this.#log.jobs.values())
      for (const stage of STAGES) {
        const { done } = state.stages[stage];
        if (done === null) continue;
        const folder = `${EPISODES_ROOT}/${feed}/${episode}/${stage}/r${done.run}-${done.token}`;
        for (const name of NAMES[stage]) yield `${folder}/${name}`;
      }
  }

  async #stillThere(id: string, { token, sha256 }: Accepted): Promise<void> {
    const [feed, episode, stage, run] = id.split('.');
    const folder = `${EPISODES_ROOT}/${feed}/${episode}/${stage}/r${run}-${token}`;
    const wrong = await this.#whatIsWrong(folder, sha256);
    if (wrong !== null)
      this.#log.violate('A result answered accepted is never forgotten', `${folder}: ${wrong}`);
  }

  async #whatIsWrong(folder: string, sha256: string): Promise<string | null> {
    const text = await this.#text(`${folder}/${MANIFEST_NAME}`);
    if (text === '') return 'it has no manifest';
    if (hashOf(text) !== sha256) return 'its manifest is another one';
    const manifest = decodeManifest(text);
    if (!manifest.ok) return manifest.error;
    for (const file of manifest.value.files) {
      const bytes = await this.#text(`${folder}/${file.name}`);
      if (hashOf(bytes) !== file.sha256) return `${file.name} is not what the manifest says`;
    }
    return null;
  }

  /** Empty when it is not there. */
  async #text(path: string): Promise<string> {
    if ((await this.#files.stat(path)) === null) return '';
    return new TextDecoder().decode(await this.#files.readSmall(path, BYTES_MAX));
  }
}

function attemptOf(path: string): { readonly id: string; readonly token: number } | null {
  const [root, feed, episode, stage, attempt = ''] = path.split('/');
  const [run, token] = attempt.slice(1).split('-');
  if (root !== EPISODES_ROOT) return null;
  return { id: `${feed}.${episode}.${stage}.${run}`, token: Number(token) };
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
