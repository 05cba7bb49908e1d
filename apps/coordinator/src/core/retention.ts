import { hasResult, whyNotExpirable } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';
import type { KeepAudio } from '@podctl/domain/keep-audio.ts';

/** An episode of a feed whose audio is there. */
export interface KeptAudio {
  readonly episode: EpisodeId;
  readonly state: EpisodeState;
  /** As the feed says; null when it does not, or where nobody needs it. */
  readonly publishedMs: number | null;
  /** When the audio came; null where that is not known: then it is too young for any rule. */
  readonly downloadedMs: number | null;
}

const DAY_MS = 86_400_000;

/** What a rule has to know of each episode, so that nobody reads it in vain. */
export function needs(keep: KeepAudio): 'nothing' | 'published' | 'downloaded' {
  if (keep.kind === 'count') return 'published';
  return keep.kind === 'days' ? 'downloaded' : 'nothing';
}

/** Whether an episode's audio is there, and not on its way out. */
export function hasAudio({ stages }: EpisodeState): boolean {
  return hasResult(stages.download);
}

/**
 * The episodes of one feed whose audio may go, of all those whose audio is there. Whatever the rule: audio that is still to
 * be worked on stays, and so does the one of an episode without a transcript, unless somebody gave its transcription up.
 */
export function expiredAudio(
  keep: KeepAudio,
  audio: readonly KeptAudio[],
  nowMs: number,
): readonly EpisodeId[] {
  return ruled(keep, audio, nowMs)
    .filter(({ state }) => mayExpire(keep, state))
    .map(({ episode }) => episode);
}

/** By the state alone; asked again of what is read just before the record is written. */
export function mayExpire(keep: KeepAudio, state: EpisodeState): boolean {
  if (keep.kind === 'always' || whyNotExpirable(state, 'download') !== null) return false;
  const { lock } = state.stages.transcribe;
  if (hasResult(state.stages.transcribe)) return true;
  // Of what failed somebody will try again; of what somebody skipped there is nothing to come.
  return keep.kind !== 'untilTranscribed' && lock.state === 'dead' && lock.ended !== undefined;
}

function ruled(keep: KeepAudio, audio: readonly KeptAudio[], nowMs: number): readonly KeptAudio[] {
  switch (keep.kind) {
    case 'always':
      return [];
    case 'untilTranscribed':
      return audio;
    case 'days':
      return audio.filter(
        ({ downloadedMs }) => downloadedMs !== null && nowMs - downloadedMs > keep.days * DAY_MS,
      );
    case 'count':
      return [...audio].sort(newestFirst).slice(keep.count);
  }
}

/** What has no date is older than all that has one; of two such the one that came later is the newer. */
function newestFirst(a: KeptAudio, b: KeptAudio): number {
  const date = ({ publishedMs }: KeptAudio) => publishedMs ?? Number.NEGATIVE_INFINITY;
  const token = ({ state }: KeptAudio) => state.stages.download.done?.token ?? 0;
  if (date(a) !== date(b)) return date(b) - date(a);
  return token(b) - token(a);
}
