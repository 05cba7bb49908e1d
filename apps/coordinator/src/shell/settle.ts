import { createHash } from 'node:crypto';
import type { EpisodeState, HeldLock } from '@podctl/domain/episode-state.ts';
import type { ClusterId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import { adoptedStagingFolder, stagingFolder } from '@podctl/domain/library-path.ts';
import {
  decodeManifest,
  MANIFEST_BYTES_MAX,
  MANIFEST_NAME,
  type Manifest,
  type ManifestRef,
  manifestRef,
} from '@podctl/domain/manifest.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import type { MoveOutcome, Store } from './store.ts';

/** Names the lock that is to be settled. */
export interface LockName {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly token: Token;
}

export interface SettleDeps {
  readonly store: Store;
  readonly library: Library;
  readonly clock: Clock;
  random(): number;
}

/**
 * Ends a held lock, one way or the other: a complete manifest at its token is committed, else the lock is revoked with
 * `otherwise`. What the manifest says is checked against the files as they lie there. Declines when it is not held by
 * the token any more. Rejects when the library is away: nobody may be revoked because nobody could look.
 */
export async function settle(
  deps: SettleDeps,
  name: LockName,
  otherwise: (why: string) => AttemptEnd,
): Promise<MoveOutcome> {
  const health = await deps.library.check();
  if (health.kind === 'offline') throw new LibraryError('offline', health.reason);
  const { record } = await deps.store.readEpisode(name.feed, name.episode);
  const lock = record === null ? null : heldBy(record, name);
  if (record === null || lock === null)
    return { kind: 'declined', reason: 'not held by this token', state: record };
  const complete = await readAttempt(deps.library, record.cluster, name, lock);
  return deps.store.moveEpisode(name.feed, name.episode, name.stage, (state) => {
    // Of another world since: what was looked at is not what this lock's staging folder is now.
    if (heldBy(state, name) === null || state.cluster !== record.cluster) return null;
    if (complete.ok) return { kind: 'commit', token: name.token, manifest: complete.value };
    const end = otherwise(complete.error);
    return {
      kind: 'revoke',
      token: name.token,
      end,
      nowMs: deps.clock.wallMs(),
      random: deps.random(),
    };
  });
}

/** Revokes without looking at files: the holder itself says that there is no result. */
export function revoke(deps: SettleDeps, name: LockName, end: AttemptEnd): Promise<MoveOutcome> {
  return deps.store.moveEpisode(name.feed, name.episode, name.stage, (state) =>
    heldBy(state, name) === null
      ? null
      : {
          kind: 'revoke',
          token: name.token,
          end,
          nowMs: deps.clock.wallMs(),
          random: deps.random(),
        },
  );
}

function heldBy(state: EpisodeState, { stage, token }: LockName): HeldLock | null {
  const { lock } = state.stages[stage];
  return lock.state === 'held' && lock.token === token ? lock : null;
}

/** The manifest of an attempt in staging, when it is complete and of that run, cluster and token. */
export async function readAttempt(
  library: Library,
  cluster: ClusterId,
  name: LockName,
  { run }: Pick<HeldLock, 'run'>,
  by: 'agent' | 'adopter' = 'agent',
): Promise<Result<ManifestRef, string>> {
  const folderOf = by === 'agent' ? stagingFolder : adoptedStagingFolder;
  const folder = folderOf(cluster, name.feed, name.episode, name.stage, name.token);
  const read = await readManifest(library, folder);
  if (!read.ok) return read;
  const { manifest, ref } = read.value;
  const right =
    manifest.cluster === cluster &&
    manifest.feed === name.feed &&
    manifest.episode === name.episode &&
    manifest.stage === name.stage &&
    manifest.token === name.token &&
    manifest.run === run;
  if (!right) return err('its manifest is of another attempt');
  for (const file of manifest.files) {
    const found = await library.stat(`${folder}/${file.name}`);
    if (found?.sizeBytes !== file.sizeBytes)
      return err(`${file.name} is not there with ${file.sizeBytes} bytes`);
    const recorded = await library.recorded(`${folder}/${file.name}`);
    if (recorded !== null && recorded.sha256 !== file.sha256)
      return err(`${file.name} has another SHA-256 in the library than its manifest says`);
  }
  return ok(ref);
}

/** Reads the manifest of a folder, with its hash. Rejects on trouble with the library other than a missing file. */
export async function readManifest(
  library: Library,
  folder: string,
): Promise<Result<{ readonly manifest: Manifest; readonly ref: ManifestRef }, string>> {
  try {
    const bytes = await library.readSmall(`${folder}/${MANIFEST_NAME}`, MANIFEST_BYTES_MAX);
    const manifest = decodeManifest(new TextDecoder().decode(bytes));
    if (!manifest.ok) return manifest;
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return ok({ manifest: manifest.value, ref: manifestRef(manifest.value, sha256) });
  } catch (error) {
    if (error instanceof LibraryError && error.code === 'missing')
      return err('there is no manifest');
    if (error instanceof LibraryError && error.code === 'too_large')
      return err('the manifest is too large');
    throw error;
  }
}
