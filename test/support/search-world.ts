import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { renderJson } from '@podctl/domain/transcript/json.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { parseSearchQuery } from '../../apps/coordinator/src/core/search-query.ts';
import { TranscriptIndex } from '../../apps/coordinator/src/shell/transcript-index.ts';
import type { IndexSearch } from '../../apps/coordinator/src/shell/transcript-index-file.ts';
import { HandBuiltFleet } from './hand-built-fleet.ts';
import { done } from './stage-change.ts';

/** A transcript's JSON in which one sentence is said every ten seconds. */
export function spokenJson(...sentences: readonly string[]): string {
  return renderJson({
    ...{ language: 'en', languageProbability: null, durationSeconds: 10 * sentences.length },
    segments: sentences.map((text, i) => ({
      ...{ startSeconds: 10 * i, endSeconds: 10 * i + 9, text: ` ${text}` },
      ...{ avgLogprob: null, noSpeechProbability: null, words: [] },
    })),
    provenance: {
      ...{ engine: 'e', engineVersion: '1', model: 'm', modelRevision: 'r', computeType: 'int8' },
      ...{ device: 'cpu', parameters: {}, audioSha256: 'ab', agent: 'a' },
      ...{ startedAtMs: 1, finishedAtMs: 2 },
    },
  });
}

/** A search index over a fleet built by hand, with a real library and real threads. */
export class SearchWorld {
  readonly folder: string;
  readonly fleet: HandBuiltFleet;
  readonly #libraryRoot: string;
  readonly warnings: string[] = [];
  readonly #open: TranscriptIndex[] = [];

  private constructor(folder: string, fleet: HandBuiltFleet) {
    this.folder = folder;
    this.#libraryRoot = join(folder, 'library');
    this.fleet = fleet;
  }

  static async start(): Promise<SearchWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-search-'));
    const root = join(folder, 'library');
    const library = await openLibrary(root, await createLibrary(root));
    return new SearchWorld(folder, new HandBuiltFleet(systemClock, library));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#open.map((index) => index.stop()));
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Starts another one on the same file: stop the one before. */
  async index(): Promise<TranscriptIndex> {
    const { folder, fleet } = this;
    const note = (_: object, message: string) => this.warnings.push(message);
    const log = { info: note, warn: note, error: note, debug: () => undefined };
    const index = new TranscriptIndex({ folder, fleet, clock: systemClock, log });
    this.#open.push(index);
    await index.start();
    return index;
  }

  /** Transcribes an episode: its files are there, and its key says so. */
  async transcribe(feed: string, n: number, json: string, run = 1, token = 5): Promise<EpisodeId> {
    const id = feed as FeedId;
    const change = (state: EpisodeState): EpisodeState => {
      const after = done('transcribe')(done('download', 9)(state));
      const { transcribe } = after.stages;
      if (transcribe.done === null) return after;
      const record = { ...transcribe.done, run, token: token as Token };
      const wanted = Math.max(run, transcribe.wanted);
      const stages = { ...after.stages, transcribe: { ...transcribe, wanted, done: record } };
      return { ...after, stages };
    };
    if (!this.fleet.snapshot.feeds.has(id)) this.fleet.feed(id);
    const episode = this.fleet.episode(id, n);
    const place = acceptedFolder(id, episode, 'transcribe', run, token as Token);
    const path = join(this.#libraryRoot, place, 'transcript.json');
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, json);
    return this.fleet.episode(id, n, change);
  }

  /** Tells the index of it, as the coordinator does. */
  tell(index: TranscriptIndex, feed: string, episode: EpisodeId): void {
    const of = { type: 'job_done', stage: 'transcribe', agent: null, message: '' } as const;
    index.noted([{ ...of, feed: feed as FeedId, episode }]);
  }
}

/** The texts that are found, their matches in brackets. */
export async function found(
  index: TranscriptIndex,
  text: string,
  more: Partial<IndexSearch> = {},
): Promise<string[]> {
  const query = parseSearchQuery(text);
  if (!query.ok) throw new Error(query.error);
  const search = { query: query.value, feed: null, sinceMs: null, limit: 100, after: null };
  const { hits } = await index.search({ ...search, ...more }, AbortSignal.timeout(5_000));
  return hits.map(({ parts }) =>
    parts.map((part) => (part.isMatch ? `[${part.text}]` : part.text)).join(''),
  );
}
