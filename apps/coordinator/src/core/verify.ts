import { type Done, type EpisodeState, keptRun } from '@podctl/domain/episode-state.ts';
import { type EpisodeId, episodeId, type FeedId, feedId } from '@podctl/domain/ids.ts';
import { acceptedFolder, EPISODES_ROOT } from '@podctl/domain/library-path.ts';
import { MANIFEST_NAME, type Manifest, type ManifestFile } from '@podctl/domain/manifest.ts';
import { STAGE_INPUT, STAGES, type Stage } from '@podctl/domain/stage.ts';

/** An accepted result, as the state has it. */
export interface Accepted {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly done: Done;
  /** Where its files are. */
  readonly folder: string;
}

export type LibraryFault = 'missing' | 'wrong_size' | 'wrong_sha256' | 'unknown';

export interface Finding {
  readonly fault: LibraryFault;
  readonly path: string;
  /** Null for a file that nothing accepted has. */
  readonly of: Accepted | null;
  readonly detail: string;
}

/** A file as it lies there. `sizeBytes` is null where it cannot be read, `sha256` where it was not. */
export interface FoundFile {
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
}

export function acceptedOf(feed: FeedId, episode: EpisodeId, state: EpisodeState): Accepted[] {
  return STAGES.flatMap((stage) => {
    const done = keptRun(state.stages[stage]);
    if (done === null) return [];
    const folder = acceptedFolder(feed, episode, stage, done.run, done.token);
    return [{ feed, episode, stage, done, folder }];
  });
}

/** Whether a run that works on a stage's files is still to come, or failed: not one that nobody wants. */
export function isInputOfMore({ stages }: EpisodeState, stage: Stage): boolean {
  return STAGES.some((one) => {
    const { done, wanted, lock } = stages[one];
    const isUnwanted = lock.state === 'dead' && lock.ended !== undefined;
    return STAGE_INPUT[one] === stage && (done?.run ?? 0) < wanted && !isUnwanted;
  });
}

/** What retention took away on purpose, listed beside the manifest, is not missing. */
export const REMOVED_NAME = 'removed.json';

/**
 * By the state, and by what lies beside the manifest: the one may be of an older backup. `isNeeded`: by that backup a run is
 * still to work on it, and only another download brings it back.
 */
export function takenAway(
  { done }: Accepted,
  { files }: Manifest,
  listed: ReadonlySet<string>,
  isNeeded: boolean,
): ReadonlySet<string> {
  if (done.audio === undefined) return isNeeded ? new Set() : listed;
  const audio = files.map(({ name }) => name).filter((name) => name.startsWith('audio.'));
  return new Set([...listed, ...audio]);
}

/** The differences of one result. `files` has what was found of the manifest's files; `removed` the names taken away. */
export function compare(
  of: Accepted,
  manifest: Manifest,
  manifestSha256: string,
  files: ReadonlyMap<string, FoundFile>,
  removed: ReadonlySet<string>,
): Finding[] {
  const findings: Finding[] = [];
  const tell = (fault: LibraryFault, name: string, detail: string) =>
    findings.push({ fault, path: `${of.folder}/${name}`, of, detail });
  if (manifestSha256 !== of.done.manifest.sha256)
    tell('wrong_sha256', MANIFEST_NAME, 'it is not the manifest that was accepted');
  for (const file of manifest.files) {
    if (removed.has(file.name)) continue;
    const [fault, detail] = faultOf(file, files.get(file.name)) ?? [];
    if (fault !== undefined && detail !== undefined) tell(fault, file.name, detail);
  }
  return findings;
}

function faultOf(
  { sizeBytes, sha256 }: ManifestFile,
  found: FoundFile | undefined,
): readonly [LibraryFault, string] | null {
  if (found === undefined) return ['missing', `${sizeBytes} bytes were accepted`];
  if (found.sizeBytes === null) return ['wrong_sha256', 'it cannot be read'];
  if (found.sizeBytes !== sizeBytes)
    return ['wrong_size', `${found.sizeBytes} bytes, ${sizeBytes} were accepted`];
  if (found.sha256 === null || found.sha256 === sha256) return null;
  return ['wrong_sha256', `${found.sha256} where ${sha256} was accepted`];
}

/** The episode in whose folder a path below `episodes/` lies; null for any other path. */
export function placeOfPath(path: string): { feed: FeedId; episode: EpisodeId } | null {
  const [root, feedText = '', episodeText = ''] = path.split('/');
  const feed = feedId(feedText);
  const episode = episodeId(episodeText);
  if (root !== EPISODES_ROOT || !feed.ok || !episode.ok) return null;
  return { feed: feed.value, episode: episode.value };
}

/**
 * Whether a path below `episodes/` may be there: of a result that is accepted, is being published, or of an earlier run,
 * which is kept. Paths are made by us only: what does not parse is unknown.
 */
export function isKnownPath(path: string, state: EpisodeState | null): boolean {
  const [root, , , stage, attempt = '', name, ...rest] = path.split('/');
  if (root !== EPISODES_ROOT || state === null || name === undefined || rest.length > 0)
    return false;
  const match = /^r(\d{1,15})-(\d{1,15})$/.exec(attempt);
  const known = STAGES.find((one) => one === stage);
  if (match === null || known === undefined) return false;
  const [run, token] = [Number(match[1]), Number(match[2])];
  const { done, lock } = state.stages[known];
  if (lock.state === 'committed' && lock.run === run && lock.token === token) return true;
  if (done === null) return false;
  return run < done.run || (run === done.run && token === done.token);
}

/** A library of which so much is missing is rather a wrong disk than a damaged one. */
export const MISSING_SHARE_MAX = 0.05;

/** Why nothing should be repaired; null when it may be. */
export function whyNotRepair(missing: number, checked: number, force: boolean): string | null {
  if (force || missing <= checked * MISSING_SHARE_MAX) return null;
  const percent = ((100 * missing) / checked).toFixed(1);
  return `${missing} of ${checked} results (${percent} %) are missing, which looks like a wrong or half-mounted disk: look at it first, then give --force to have them all done again`;
}
