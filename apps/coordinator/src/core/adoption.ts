import {
  type ArchiveEntry,
  type ArchiveFile,
  archiveSteps,
} from '@podctl/domain/adoption/archive.ts';
import { looseTitle } from '@podctl/domain/adoption/loose-title.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { EpisodeRow, Snapshot } from './snapshot.ts';

/** A file of the archive that is not taken in, and why. */
export interface NotAdopted {
  readonly path: string;
  readonly reason: string;
}

export interface AdoptionPlan {
  readonly feeds: ReadonlyMap<FeedId, readonly ArchiveEntry[]>;
  readonly left: readonly NotAdopted[];
}

/** Entries looked at between two rests. */
const SLICE = 1_000;

/**
 * To which feed each entry belongs: the one that is named, else the one whose title or id the nearest folder has. A generator, so
 * that who runs it can let others run between its slices.
 */
export function* adoptionPlan(
  files: readonly ArchiveFile[],
  snapshot: Snapshot,
  only: FeedId | null,
  rootName: string,
): Generator<void, AdoptionPlan> {
  const titles = feedTitles(snapshot);
  const feeds = new Map<FeedId, ArchiveEntry[]>();
  const { entries, others } = yield* archiveSteps(files);
  const left: NotAdopted[] = others.map(({ path }) => ({
    path,
    reason: 'it is no audio, text or metadata of an episode, or a second one of its kind',
  }));
  const known = new Map<string, ReturnType<typeof feedOf>>();
  const folderFeed = (folders: readonly string[]) => {
    const folder = folders.join('/');
    const found = known.get(folder) ?? feedOf([rootName, ...folders], titles);
    known.set(folder, found);
    return found;
  };
  for (const [n, entry] of entries.entries()) {
    if (n % SLICE === SLICE - 1) yield;
    const found = only ?? folderFeed(entry.folders);
    if (typeof found !== 'string') left.push({ path: pathOf(entry), reason: found.reason });
    else listAt(feeds, found).push(entry);
  }
  return { feeds, left };
}

function listAt<K, V>(lists: Map<K, V[]>, key: K): V[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

type Titles = ReadonlyMap<string, readonly FeedId[]>;

function feedTitles({ feeds }: Snapshot): Titles {
  const titles = new Map<string, FeedId[]>();
  for (const { id, record } of feeds.values()) {
    if (record?.removed === true) continue;
    for (const name of new Set([looseTitle(record?.title ?? ''), looseTitle(id)])) {
      if (name !== '') listAt(titles, name).push(id);
    }
  }
  return titles;
}

function feedOf(folders: readonly string[], titles: Titles): FeedId | { readonly reason: string } {
  for (const folder of folders.toReversed()) {
    const [first, another] = titles.get(looseTitle(folder)) ?? [];
    if (another !== undefined)
      return {
        reason: `${first} and ${another} both have the title of its folder: name one with --feed`,
      };
    if (first !== undefined) return first;
  }
  return {
    reason: `no feed has the title of its folder (${folders.at(-1)}): add the feed first, or name it with --feed`,
  };
}

export function pathOf({ audio, transcripts, json, folders, stem }: ArchiveEntry): string {
  const [text] = Object.values(transcripts);
  return audio?.path ?? text?.path ?? json[0]?.path ?? [...folders, stem].join('/');
}

/** Null when files may be accepted for the stage; `known`: it is done already. */
export function whyNotAdopted(
  { state }: EpisodeRow,
  stage: Stage,
): 'known' | 'dead' | { readonly reason: string } | null {
  const now = state.stages[stage];
  switch (now.lock.state) {
    case 'free':
      return nextRun(now) <= now.wanted ? null : 'known';
    case 'committed':
      return 'known';
    case 'held':
      return { reason: `agent ${now.lock.agent} is at its ${stage} now` };
    case 'dead':
      if (now.lock.ended === undefined) return 'dead';
      return { reason: `its ${stage} was ${now.lock.ended} by somebody: retry the episode first` };
  }
}
