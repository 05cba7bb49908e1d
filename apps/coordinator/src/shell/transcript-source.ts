import { keptRun } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { episodeRow, type Snapshot } from '../core/snapshot.ts';
import type { Fleet } from './fleet.ts';
import type { TranscriptToIndex } from './transcript-index-worker.ts';

export interface EpisodeName {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
}

/** Thirty hours of speech, with the times of all words. */
const JSON_BYTES_MAX = 32 * 1_024 * 1_024;

/** Whether its text may be found: it is known, and of a feed that is. */
export function isSearchable(snapshot: Snapshot, feed: string, episode: string): boolean {
  const row = episodeRow(snapshot, feed as FeedId, episode as EpisodeId);
  if (row === null || snapshot.feeds.get(row.feed)?.record?.removed === true) return false;
  return keptRun(row.state.stages.transcribe) !== null;
}

/** Episodes with a done transcription, a few at a time: a list of looked at ones may be empty and not the last. */
export function* transcribedEpisodes(
  snapshot: Snapshot,
  lookedAtMax: number,
): Generator<readonly (EpisodeName & { readonly token: number })[]> {
  let found: (EpisodeName & { readonly token: number })[] = [];
  let lookedAt = 0;
  for (const { id, record, episodes, tally } of snapshot.feeds.values()) {
    if (tally.done.transcribe === 0 || record?.removed === true) continue;
    for (const { episode, state } of episodes.values()) {
      const done = keptRun(state.stages.transcribe);
      if (done !== null) found.push({ feed: id, episode, token: done.token });
      lookedAt += 1;
      if (lookedAt < lookedAtMax) continue;
      yield found;
      found = [];
      lookedAt = 0;
    }
  }
  yield found;
}

export type ReadTranscript =
  | { readonly kind: 'transcript'; readonly transcript: TranscriptToIndex }
  /** It has none now. */
  | { readonly kind: 'none' }
  /** The rest of a sentence about the transcript. */
  | { readonly kind: 'unreadable'; readonly problem: string };

/** The accepted transcript as it is done now. Rejects when the library or NATS is away. */
export async function readTranscript(
  fleet: Pick<Fleet, 'picture' | 'library' | 'meta'>,
  { feed, episode }: EpisodeName,
): Promise<ReadTranscript> {
  const state = episodeRow(fleet.picture().snapshot, feed, episode)?.state;
  const done = state === undefined ? null : keptRun(state.stages.transcribe);
  if (done === null) return { kind: 'none' };
  const { run, token } = done;
  const path = `${acceptedFolder(feed, episode, 'transcribe', run, token)}/transcript.json`;
  const meta = await fleet.meta(feed, episode);
  const { title = '', publishedMs = null } = meta ?? {};
  try {
    const json = await fleet.library.readSmall(path, JSON_BYTES_MAX);
    return {
      kind: 'transcript',
      transcript: { feed, episode, run, token, title, publishedMs, json },
    };
  } catch (error) {
    if (error instanceof LibraryError && (error.code === 'missing' || error.code === 'too_large'))
      return { kind: 'unreadable', problem: error.message };
    throw error;
  }
}
