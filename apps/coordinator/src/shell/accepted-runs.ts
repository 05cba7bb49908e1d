import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { acceptedRunsFolder, parseAcceptedRun } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME, type Manifest } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Library } from '@podctl/platform/library.ts';
import { readManifest } from './settle.ts';

/** The result of a run, as it lies in the library for good. */
export interface AcceptedRun {
  readonly run: number;
  readonly token: Token;
  /** In the library. */
  readonly folder: string;
  /** When its manifest was written there. */
  readonly writtenMs: number;
  readonly manifest: Manifest;
}

export const ACCEPTED_RUNS_MAX = 100;
/** Files of so many runs and more. */
const FILES_MAX = 2_000;
const AT_ONCE = 8;

/**
 * The accepted runs of a stage that the library has, the newest first, ACCEPTED_RUNS_MAX at most. Only what has a manifest is
 * one: it is written last. One that cannot be read is left out. Rejects when the library is away.
 */
export async function acceptedRuns(
  library: Library,
  feed: FeedId,
  episode: EpisodeId,
  stage: Stage,
): Promise<AcceptedRun[]> {
  const root = acceptedRunsFolder(feed, episode, stage);
  const files = await library.list(root, FILES_MAX);
  const places = files
    .flatMap(({ path, modifiedMs }) => {
      const [name = '', file = '', ...rest] = path.slice(root.length + 1).split('/');
      const at = parseAcceptedRun(name);
      if (at === null || file !== MANIFEST_NAME || rest.length > 0) return [];
      return [{ ...at, folder: `${root}/${name}`, writtenMs: modifiedMs }];
    })
    .sort((a, b) => b.run - a.run || b.writtenMs - a.writtenMs)
    .slice(0, ACCEPTED_RUNS_MAX);
  const runs: AcceptedRun[] = [];
  for (let i = 0; i < places.length; i += AT_ONCE) {
    const some = await Promise.all(
      places.slice(i, i + AT_ONCE).map(async (place) => {
        const read = await readManifest(library, place.folder);
        return read.ok ? [{ ...place, manifest: read.value.manifest }] : [];
      }),
    );
    runs.push(...some.flat());
  }
  return runs;
}
