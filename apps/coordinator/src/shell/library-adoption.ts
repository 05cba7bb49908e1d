import { randomUUID } from 'node:crypto';
import { basename } from 'node:path';
import type { ArchiveEntry } from '@podctl/domain/adoption/archive.ts';
import { candidateOf } from '@podctl/domain/adoption/candidate.ts';
import {
  type Candidate,
  type KnownEpisode,
  type MatchedBy,
  matchSteps,
} from '@podctl/domain/adoption/match.ts';
import { readSidecar, type Sidecar } from '@podctl/domain/adoption/sidecar.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { type AudioFacts, readAudioFacts } from '@podctl/platform/audio-facts.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { adoptionPlan, type NotAdopted, pathOf, whyNotAdopted } from '../core/adoption.ts';
import { type EpisodeRow, episodeRow } from '../core/snapshot.ts';
import { AdoptedStages, type AdoptHow, type StageAdopted } from './adopted-stages.ts';
import type { AdoptionSource } from './adoption-source.ts';
import type { Fleet } from './fleet.ts';

export interface AdoptionRequest {
  /** Null: by the titles of the folders. */
  readonly feed: FeedId | null;
  readonly dryRun: boolean;
  readonly how: AdoptHow;
}

export type AdoptionNews =
  | {
      readonly kind: 'progress';
      readonly looked: number;
      readonly total: number;
      readonly bytes: number;
    }
  | ({ readonly kind: 'left' } & NotAdopted)
  | {
      readonly kind: 'adopted';
      readonly path: string;
      readonly feed: FeedId;
      readonly episode: EpisodeId;
      readonly by: MatchedBy;
      /** Those that are done now, and were not before; of a dry run those that would be. */
      readonly stages: readonly Stage[];
    }
  | ({ readonly kind: 'summary' } & AdoptionSummary);

export interface AdoptionSummary {
  /** Episodes of which a stage was taken in. */
  readonly adopted: number;
  readonly downloads: number;
  readonly transcripts: number;
  /** Matched, and nothing was missing. */
  readonly known: number;
  readonly left: number;
  readonly bytes: number;
}

const PROGRESS_MS = 1_000;
const SIDECAR_BYTES_MAX = 1024 * 1024;
const META_AT_ONCE = 32;

interface Matched {
  readonly entry: ArchiveEntry;
  readonly row: EpisodeRow;
  readonly by: MatchedBy;
  readonly facts: AudioFacts | null;
}

/**
 * Takes an existing archive in: finds each file's episode, and has its stages accepted with the files that are there.
 * Rejects with LibraryError when the library goes away; what one file does wrong is told of that file.
 */
export class LibraryAdoption {
  readonly #fleet: Fleet;
  readonly #clock: Clock;
  readonly #source: AdoptionSource;
  readonly #request: AdoptionRequest;
  readonly #signal: AbortSignal;
  readonly #stages: AdoptedStages;
  readonly #counts = { adopted: 0, downloads: 0, transcripts: 0, known: 0, left: 0 };
  #looked = 0;
  #total = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    of: { readonly fleet: Fleet; readonly clock: Clock; readonly source: AdoptionSource },
    request: AdoptionRequest,
    signal: AbortSignal,
  ) {
    this.#fleet = of.fleet;
    this.#clock = of.clock;
    this.#source = of.source;
    this.#request = request;
    this.#signal = signal;
    const name = `adopt-${randomUUID()}`;
    this.#stages = new AdoptedStages({ ...of, how: request.how, request: name }, signal);
  }

  async *run(): AsyncGenerator<AdoptionNews> {
    const { files, unreadable } = await this.#source.files(this.#signal);
    for (const { path, reason } of unreadable) yield this.#leave(path, reason);
    const { snapshot } = this.#fleet.picture();
    const rootName = basename(this.#source.root);
    const plan = await this.#run(adoptionPlan(files, snapshot, this.#request.feed, rootName));
    for (const { path, reason } of plan.left) yield this.#leave(path, reason);
    for (const entries of plan.feeds.values()) this.#total += entries.length;
    for (const [feed, entries] of plan.feeds) yield* this.#adoptFeed(feed, entries);
    yield { kind: 'summary', ...this.#counts, bytes: this.#stages.bytes };
  }

  async *#adoptFeed(feed: FeedId, entries: readonly ArchiveEntry[]): AsyncGenerator<AdoptionNews> {
    const episodes = await this.#knownEpisodes(feed);
    const looked: { entry: ArchiveEntry; candidate: Candidate; facts: AudioFacts | null }[] = [];
    for (const entry of entries) {
      this.#signal.throwIfAborted();
      const facts = await this.#factsOf(entry);
      this.#looked += 1;
      yield* this.#progress();
      if (!facts.ok) {
        yield this.#leave(pathOf(entry), facts.error);
        continue;
      }
      const sidecar = await this.#sidecarOf(entry);
      const seconds = facts.value?.seconds ?? null;
      const candidate = candidateOf(entry, sidecar, seconds, this.#clock.wallMs());
      looked.push({ entry, candidate, facts: facts.value });
    }
    const candidates = looked.map(({ candidate }) => candidate);
    const matches = await this.#run(matchSteps(candidates, episodes));
    for (const [i, match] of matches.entries()) {
      const of = looked[i];
      if (of === undefined) continue;
      if (match.kind === 'unmatched') {
        yield this.#leave(pathOf(of.entry), match.reason);
        continue;
      }
      const row = episodeRow(this.#fleet.picture().snapshot, feed, match.episode);
      if (row !== null) yield* this.#adopt({ ...of, row, by: match.by });
      yield* this.#progress();
    }
  }

  /** Of 200,000 files this takes seconds, in which this coordinator has its lease to renew. */
  async #run<T>(steps: Generator<void, T>): Promise<T> {
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
      this.#signal.throwIfAborted();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async *#adopt(matched: Matched): AsyncGenerator<AdoptionNews> {
    this.#signal.throwIfAborted();
    const path = pathOf(matched.entry);
    const { stages, reason } = await this.#adoptStages(matched);
    if (reason !== null) yield this.#leave(path, reason);
    else if (stages.length === 0) this.#counts.known += 1;
    if (stages.length === 0) return;
    this.#counts.adopted += 1;
    this.#counts.downloads += stages.includes('download') ? 1 : 0;
    this.#counts.transcripts += stages.includes('transcribe') ? 1 : 0;
    const { by, row } = matched;
    yield { kind: 'adopted', path, feed: row.feed, episode: row.episode, by, stages };
  }

  async #adoptStages(matched: Matched): Promise<{ stages: Stage[]; reason: string | null }> {
    const stages: Stage[] = [];
    let problem: string | null = null;
    for (const stage of ['download', 'transcribe'] as const) {
      const done = await this.#adoptStage(matched, stage);
      if (done === 'known') continue;
      // Without its audio nothing can be made of the rest.
      if (done.kind === 'left') return { stages, reason: done.reason };
      stages.push(stage);
      problem ??= done.problem;
    }
    return { stages, reason: problem };
  }

  /** `known`: nothing to do, or nothing there to do it with. */
  async #adoptStage(
    { entry, row: { feed, episode }, facts }: Matched,
    stage: Stage,
  ): Promise<StageAdopted | 'known'> {
    const row = episodeRow(this.#fleet.picture().snapshot, feed, episode);
    if (row === null) return { kind: 'left', reason: 'its episode is gone' };
    const refusal = whyNotAdopted(row, stage);
    if (refusal === 'known') return 'known';
    const hasText = Object.keys(entry.transcripts).length > 0 || entry.json.length > 0;
    if (stage === 'transcribe' && !hasText) return 'known';
    if (stage === 'download' && entry.audio === null)
      return {
        kind: 'left',
        reason: 'its audio is not beside it, and podctl has not downloaded it yet',
      };
    if (refusal !== null && refusal !== 'dead') return { kind: 'left', ...refusal };
    try {
      if (this.#request.dryRun) return await this.#wouldAdopt(entry, stage);
      return stage === 'download'
        ? await this.#stages.download(row, entry, facts, refusal === 'dead')
        : await this.#stages.transcribe(row, entry, refusal === 'dead');
    } catch (error) {
      return { kind: 'left', reason: this.#ofOneFile(error) };
    }
  }

  async #wouldAdopt({ audio }: ArchiveEntry, stage: Stage): Promise<StageAdopted> {
    const why = stage === 'download' && audio && (await this.#stages.whyNotAudio(audio));
    return why ? { kind: 'left', reason: why } : { kind: 'adopted', problem: null };
  }

  async #factsOf({ audio }: ArchiveEntry): Promise<Result<AudioFacts | null, string>> {
    if (audio === null) return ok(null);
    try {
      const facts = await readAudioFacts(this.#source.place(audio.path));
      return facts.ok ? facts : err('it cannot be decoded as audio');
    } catch (error) {
      if (codeOf(error) === '') throw error;
      return err(`it cannot be read (${codeOf(error)})`);
    }
  }

  async #sidecarOf({ json }: ArchiveEntry): Promise<Sidecar | null> {
    for (const { path } of json) {
      const text = await this.#source.text(path, SIDECAR_BYTES_MAX).catch(() => null);
      const sidecar = text === null ? null : readSidecar(text, this.#clock.wallMs());
      if (sidecar !== null) return sidecar;
    }
    return null;
  }

  async #knownEpisodes(feed: FeedId): Promise<KnownEpisode<EpisodeId>[]> {
    const ids = [...(this.#fleet.picture().snapshot.feeds.get(feed)?.episodes.keys() ?? [])];
    const known: KnownEpisode<EpisodeId>[] = [];
    for (let i = 0; i < ids.length; i += META_AT_ONCE) {
      this.#signal.throwIfAborted();
      const some = ids.slice(i, i + META_AT_ONCE);
      const metas = await Promise.all(some.map((id) => this.#fleet.meta(feed, id)));
      for (const [at, meta] of metas.entries()) {
        const id = some[at];
        if (meta === null || id === undefined) continue;
        const { key, title, publishedMs, durationSecondsEstimate: durationSeconds } = meta;
        known.push({ id, key, title, publishedMs, durationSeconds });
      }
    }
    return known;
  }

  /** Of a file that does not do; what is wrong with the library as a whole ends it all. */
  #ofOneFile(error: unknown): string {
    this.#signal.throwIfAborted();
    if (error instanceof LibraryError && (error.code === 'offline' || error.code === 'full'))
      throw error;
    if (error instanceof LibraryError || (error instanceof Error && 'code' in error))
      return error.message;
    throw error;
  }

  #leave(path: string, reason: string): AdoptionNews {
    this.#counts.left += 1;
    return { kind: 'left', path, reason };
  }

  *#progress(): Generator<AdoptionNews> {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#toldAtMs < PROGRESS_MS) return;
    this.#toldAtMs = nowMs;
    const { bytes } = this.#stages;
    yield { kind: 'progress', looked: this.#looked, total: this.#total, bytes };
  }
}
