import type { Done } from '@podctl/domain/episode-state.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import {
  type GetLibraryResponse,
  type LastVerification,
  LibraryKind,
} from '@podctl/proto/podctl/v1/library.ts';
import type { FeedRow } from '../core/snapshot.ts';
import { acceptedOf } from '../core/verify.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { CheckSummary } from '../shell/library-check.ts';
import { dateOf } from './time-map.ts';

/** Episodes that are counted before the loop does something else. */
const EPISODES_A_BREATH = 5_000;

/** Looks at the library, now, and counts what is accepted by the ledger: no file is touched for that. */
export async function libraryStatus(
  fleet: Pick<Fleet, 'library' | 'picture'>,
  clock: Clock,
  lastVerification: LastVerification | undefined,
  signal: AbortSignal,
): Promise<GetLibraryResponse> {
  const { library } = fleet;
  const health = await library.check();
  const space = health.kind === 'online' ? await library.space().catch(() => null) : null;
  const lookedAt = dateOf(clock.wallMs());
  const counts = await countAccepted(fleet.picture().snapshot.feeds, signal);
  return {
    kind: library.place.startsWith('s3:') ? LibraryKind.BUCKET : LibraryKind.FOLDER,
    place: library.place,
    libraryId: library.id,
    online: health.kind === 'online',
    problem: health.kind === 'online' ? '' : health.reason,
    ...(space === null
      ? {}
      : {
          freeBytes: BigInt(Math.floor(space.freeBytes)),
          sizeBytes: BigInt(Math.floor(space.sizeBytes)),
        }),
    results: BigInt(counts.results),
    files: BigInt(counts.files),
    bytes: BigInt(counts.bytes),
    audioRemoved: BigInt(counts.audioRemoved),
    lookedAt,
    ...(lastVerification === undefined ? {} : { lastVerification }),
  };
}

/** What is kept of a comparison for later questions. */
export function verificationOf(
  { checked, damaged, unknown }: CheckSummary,
  quick: boolean,
  endedAtMs: number,
): LastVerification {
  return {
    endedAt: dateOf(endedAtMs),
    checked: BigInt(checked),
    damaged: BigInt(damaged),
    unknown: BigInt(unknown),
    quick,
  };
}

interface Counts {
  results: number;
  files: number;
  bytes: number;
  audioRemoved: number;
}

async function countAccepted(feeds: ReadonlyMap<unknown, FeedRow>, signal: AbortSignal) {
  const counts: Counts = { results: 0, files: 0, bytes: 0, audioRemoved: 0 };
  let seen = 0;
  for (const { id, record, episodes } of feeds.values()) {
    if (record?.removed === true) continue;
    for (const [episode, { state }] of episodes) {
      seen += 1;
      if (seen % EPISODES_A_BREATH === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        signal.throwIfAborted();
      }
      for (const { done } of acceptedOf(id, episode, state)) countOne(counts, done);
    }
  }
  return counts;
}

function countOne(counts: Counts, { audio, manifest }: Done): void {
  counts.results += 1;
  // What is left beside it is a few lines; its manifest tells the size of all.
  if (audio !== undefined) {
    counts.audioRemoved += 1;
    return;
  }
  counts.files += manifest.files;
  counts.bytes += manifest.bytes;
}
