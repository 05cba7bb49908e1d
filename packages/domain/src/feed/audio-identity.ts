import { base32, type EpisodeId, episodeIdFrom, type FeedId } from '../ids.ts';
import { type FactMarks, factMarks } from './fact-marks.ts';
import type { FeedItem } from './feed-document.ts';
import { enclosureKey, isSignedUrl } from './tracking.ts';

/** The 32 bytes of SHA-256 over a text's UTF-8. */
export type Sha256 = (text: string) => Uint8Array;

/** By what an item's audio is known again when its key is another. Marks are short hashes: only equality counts. */
export interface AudioMarks {
  /** Of the enclosure's URL without what trackers and signatures add. */
  readonly url: string;
  /** Of its host and path alone: it stays where only parameters are written anew. */
  readonly path: string;
  /** Of the title without case, punctuation and white space, in any script; empty where there is none. */
  readonly title: string;
  /** Epoch seconds. */
  readonly dateS: number | null;
  /** As the feed claims. */
  readonly lengthBytes: number | null;
  /** As the feed claims. */
  readonly durationSeconds: number | null;
}

/** An item's keys, as the ids that they would give, and its marks. */
export interface ItemMarks extends AudioMarks, FactMarks {
  readonly guidId: EpisodeId | null;
  readonly urlId: EpisodeId;
  readonly urlKey: string;
  /** Its URL expires by itself. */
  readonly isSigned: boolean;
}

export function idOfKey(feed: FeedId, key: string, sha256: Sha256): EpisodeId {
  return episodeIdFrom(sha256(`${feed}\n${key}`));
}

export function itemMarks(item: FeedItem, feed: FeedId, sha256: Sha256): ItemMarks {
  const urlKey = enclosureKey(item.enclosureUrl);
  return {
    guidId: item.guid === null ? null : idOfKey(feed, item.guid, sha256),
    urlId: idOfKey(feed, urlKey, sha256),
    urlKey,
    isSigned: isSignedUrl(item.enclosureUrl),
    ...factMarks(item, sha256),
    ...audioMarks(
      { ...item, lengthBytes: item.lengthBytes, urlKey, seconds: item.durationSecondsEstimate },
      sha256,
    ),
  };
}

export function audioMarks(
  of: {
    readonly urlKey: string;
    readonly title: string;
    readonly publishedMs: number | null;
    readonly lengthBytes: number | null;
    readonly seconds: number | null;
  },
  sha256: Sha256,
): AudioMarks {
  const { urlKey, publishedMs, lengthBytes, seconds } = of;
  return {
    url: mark(urlKey, sha256),
    path: mark(urlKey.split('?', 1)[0] ?? '', sha256),
    title: titleMark(of.title, sha256),
    dateS: publishedMs === null ? null : Math.floor(publishedMs / 1_000),
    lengthBytes,
    durationSeconds: seconds === null ? null : Math.round(seconds),
  };
}

/**
 * Whether a key that nobody saw before stands for audio that is known (gpodder#1407). Title and date are equal, and so is
 * the length, in bytes or in seconds, or the URL. Or URL, date and bytes are, whatever the title says now. What a feed does
 * not tell is equal to nothing.
 */
export function isSameAudio(a: AudioMarks, b: AudioMarks): boolean {
  const sameUrl = a.url === b.url;
  const sameDate = a.dateS !== null && a.dateS === b.dateS;
  const sameBytes = a.lengthBytes !== null && a.lengthBytes === b.lengthBytes;
  if (sameUrl && sameDate && sameBytes) return true;
  if (a.title === '' || a.title !== b.title) return false;
  if (a.dateS === null && b.dateS === null) return sameUrl;
  return sameDate && (sameUrl || sameBytes || isSameDuration(a, b));
}

/** Seconds of a claimed duration that may differ, at least: ads and rounding. */
const DURATION_SECONDS_TOLERANCE = 10;
const DURATION_SHARE_TOLERANCE = 0.02;
/** Bytes lie more: hosts put ads in, and tag anew. */
const LENGTH_SHARE_TOLERANCE = 0.05;

/**
 * Whether what is known says that the audio behind one key is another now: durations that differ by more than 10 s and 2 %;
 * where one of them is not known, lengths that differ by more than 5 %. What is not known differs from nothing.
 */
export function isOtherAudio(before: AudioMarks, after: AudioMarks): boolean {
  if (before.durationSeconds !== null && after.durationSeconds !== null) {
    const [a, b] = [before.durationSeconds, after.durationSeconds];
    const tolerance = Math.max(
      DURATION_SECONDS_TOLERANCE,
      DURATION_SHARE_TOLERANCE * Math.max(a, b),
    );
    return Math.abs(a - b) > tolerance;
  }
  if (before.lengthBytes === null || after.lengthBytes === null) return false;
  const [a, b] = [before.lengthBytes, after.lengthBytes];
  return Math.abs(a - b) > LENGTH_SHARE_TOLERANCE * Math.max(a, b);
}

function isSameDuration(a: AudioMarks, b: AudioMarks): boolean {
  return a.durationSeconds !== null && a.durationSeconds === b.durationSeconds;
}

/** 60 bits: two texts of one feed are not taken for one. */
function mark(text: string, sha256: Sha256): string {
  return base32(sha256(text).subarray(0, 8)).slice(0, 12);
}

/** A title of signs alone is taken as it is. */
function titleMark(title: string, sha256: Sha256): string {
  const folded = title.normalize('NFKC').toLowerCase();
  const words = folded.replace(/[^\p{L}\p{M}\p{N}]+/gu, '');
  const text = words === '' ? folded.trim() : words;
  return text === '' ? '' : mark(text, sha256);
}
