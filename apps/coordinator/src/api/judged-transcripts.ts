import { type EpisodeState, keptRun } from '@podctl/domain/episode-state.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import type { Manifest, ManifestDetail } from '@podctl/domain/manifest.ts';
import type { Library } from '@podctl/platform/library.ts';
import { qualityIn } from '../core/quality-counts.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import { readManifest } from '../shell/settle.ts';

/** An episode's transcript with what its manifest tells of it. */
export interface JudgedTranscript {
  readonly row: Pick<EpisodeRow, 'feed' | 'episode'>;
  readonly quality: number | null;
  readonly agent: string;
  readonly details: Readonly<Record<string, ManifestDetail>>;
  /** Epoch ms by the agent's clock; null where an older version made it. */
  readonly finishedAtMs: number | null;
}

/** Manifests that are read for one question. */
export const READ_MAX = 2_000;
/** States that are looked at for them: not each has a transcript that was judged. */
const LOOKED_AT_MAX = 20_000;
const READ_AT_ONCE = 16;
/** States that are read before others may run. */
const ROWS_A_BREATH = 500;
/** Rows of which the revision alone is asked. */
const REVISIONS_A_BREATH = 20_000;
/** Kept beside the newest before they are put in order. */
const ROWS_BESIDE_MAX = 5_000;

/** What the manifest of its newest transcript tells; null where it has none, or it cannot be read. */
export async function judgedTranscript(
  library: Library,
  row: Pick<EpisodeRow, 'feed' | 'episode'>,
  state: EpisodeState,
): Promise<JudgedTranscript | null> {
  const done = keptRun(state.stages.transcribe);
  if (done === null) return null;
  const folder = acceptedFolder(row.feed, row.episode, 'transcribe', done.run, done.token);
  const read = await readManifest(library, folder);
  if (!read.ok) return null;
  const { agent, details }: Manifest = read.value.manifest;
  const { finishedAtMs } = details;
  return {
    ...{ row, agent, details, quality: done.manifest.figure ?? null },
    finishedAtMs: typeof finishedAtMs === 'number' ? finishedAtMs : null,
  };
}

/** The newest ones that have a quality, at most READ_MAX, and whether there are more. Rejects when the library is away. */
export async function newestTranscripts(
  library: Library,
  feeds: readonly FeedRow[],
): Promise<{ readonly found: readonly JudgedTranscript[]; readonly isCut: boolean }> {
  const { rows, isCut } = await newestJudged(feeds);
  const found: JudgedTranscript[] = [];
  for (let i = 0; i < rows.length; i += READ_AT_ONCE) {
    const some = rows.slice(i, i + READ_AT_ONCE);
    const read = await Promise.all(some.map((row) => judgedTranscript(library, row, row.state)));
    found.push(...read.filter((one) => one !== null));
  }
  return { found, isCut };
}

/** By the revision of their last change, the newest first: a later change of another stage makes one newer than it is. */
async function newestJudged(feeds: readonly FeedRow[]) {
  const { rows, isCut } = await newestRows(feeds, LOOKED_AT_MAX);
  const judged: EpisodeRow[] = [];
  for await (const row of inBreaths(rows)) {
    if (qualityIn(row.state) !== null) judged.push(row);
    if (judged.length > READ_MAX) return { rows: judged.slice(0, READ_MAX), isCut: true };
  }
  return { rows: judged, isCut };
}

/**
 * The last changed `max` of them, the newest first, and whether there are more. Of a million few more than `max` are ever
 * kept, and others run in between.
 */
export async function newestRows<T extends { readonly revision: number }>(
  feeds: readonly { readonly episodes: ReadonlyMap<unknown, T> }[],
  max: number,
): Promise<{ readonly rows: readonly T[]; readonly isCut: boolean }> {
  let rows: T[] = [];
  let [looked, oldest] = [0, 0];
  const cut = () => {
    rows = rows.sort((a, b) => b.revision - a.revision).slice(0, max);
    oldest = rows.at(-1)?.revision ?? 0;
  };
  for (const { episodes } of feeds)
    for (const row of episodes.values()) {
      looked += 1;
      if (looked % REVISIONS_A_BREATH === 0) await breath();
      if (row.revision > oldest) rows.push(row);
      if (rows.length < max + ROWS_BESIDE_MAX) continue;
      cut();
      await breath();
    }
  cut();
  return { rows, isCut: looked > max };
}

interface PoorEpisode {
  readonly row: EpisodeRow;
  readonly quality: number;
}

/** The worst of them below a quality, at most `count`, the worst first. Of feeds that cannot hold one no state is read. */
export async function poorestEpisodes(
  feeds: readonly FeedRow[],
  worstOf: (feed: FeedRow) => number | null,
  below: number,
  count: number,
): Promise<readonly PoorEpisode[]> {
  const byWorst = feeds
    .flatMap((feed) => ({ feed, worst: worstOf(feed) ?? Number.POSITIVE_INFINITY }))
    .filter(({ worst }) => worst < below)
    .sort((a, b) => a.worst - b.worst);
  let poorest: readonly PoorEpisode[] = [];
  for (const { feed, worst } of byWorst) {
    // Nothing in the rest of the feeds can be worse than the last one that there is room for.
    if ((poorest[count - 1]?.quality ?? Number.POSITIVE_INFINITY) <= worst) break;
    poorest = [...poorest, ...(await poorIn(feed, below))].sort(byQuality).slice(0, count);
  }
  return poorest;
}

async function poorIn({ episodes }: FeedRow, below: number): Promise<PoorEpisode[]> {
  const poor: PoorEpisode[] = [];
  for await (const row of inBreaths(episodes.values())) {
    const quality = qualityIn(row.state);
    if (quality !== null && quality < below) poor.push({ row, quality });
  }
  return poor;
}

function byQuality(a: PoorEpisode, b: PoorEpisode): number {
  return a.quality - b.quality || (a.row.episode < b.row.episode ? -1 : 1);
}

/** Reading a state takes a while: others may run in between. */
async function* inBreaths(rows: Iterable<EpisodeRow>): AsyncGenerator<EpisodeRow> {
  let n = 0;
  for (const row of rows) {
    yield row;
    n += 1;
    if (n % ROWS_A_BREATH === 0) await breath();
  }
}

function breath(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
