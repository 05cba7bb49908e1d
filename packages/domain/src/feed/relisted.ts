import type { EpisodeId } from '../ids.ts';
import { type ItemMarks, isOtherAudio } from './audio-identity.ts';
import { ALIASES_MAX, isRestless, type LedgerEntry, RESTLESS_MOVES } from './ledger-entry.ts';

/** What a listing says of an episode that is known. */
export interface Relisted {
  /** The same object where nothing is another. */
  readonly entry: LedgerEntry;
  readonly isReturned: boolean;
  readonly isUrlNew: boolean;
  readonly isAliasNew: boolean;
  readonly isAudioNew: boolean;
  /** What is kept of it beside the audio is another, or is not known. The entry does not say so yet. */
  readonly isFactNew: boolean;
}

/** `alias`: the key that it is listed by, where it was not known by that. */
export function relisted(before: LedgerEntry, alias: EpisodeId | null, marks: ItemMarks): Relisted {
  const move = moveOf(before, marks);
  const isMoved = move.moves > before.moves || move.isRewritten !== before.isRewritten;
  const isAliasNew = alias !== null && before.aliases.length < ALIASES_MAX;
  const isAudioNew = before.url !== marks.url && isOtherAudio(before, judged(marks, before));
  const isUrlNew = isMoved || isAudioNew;
  const after: LedgerEntry = {
    ...before,
    ...move,
    ...(isUrlNew ? { url: marks.url, path: marks.path } : {}),
    ...lengthsOf(before, marks, isUrlNew || isAliasNew),
    vanishedS: null,
    aliases: isAliasNew ? [...before.aliases, alias] : before.aliases,
    title: marks.title,
    dateS: marks.dateS ?? before.dateS,
    audioChanges: before.audioChanges + Number(isAudioNew),
  };
  return {
    entry: isSameEntry(before, after) ? before : after,
    isReturned: before.vanishedS !== null,
    ...{ isUrlNew, isAliasNew, isAudioNew, isFactNew: isFactNew(before, marks) },
  };
}

function isFactNew(before: LedgerEntry, { facts, looseFacts }: ItemMarks): boolean {
  const isLooseNew = before.looseFacts !== looseFacts && before.factMoves < RESTLESS_MOVES;
  return before.facts !== facts || isLooseNew;
}

/** The entry once what is kept of its episode says what the listing does. */
export function restated(before: LedgerEntry, { facts, looseFacts }: ItemMarks): LedgerEntry {
  const isLooseAlone = before.facts === facts && before.looseFacts !== looseFacts;
  const factMoves = Math.min(RESTLESS_MOVES, before.factMoves + Number(isLooseAlone));
  return { ...before, facts, looseFacts, factMoves };
}

/** What a URL that is another says of those to come. What signs and tracks it is no part of it (feed/tracking.ts). */
function moveOf({ url, path, moves, isRewritten }: LedgerEntry, marks: ItemMarks) {
  const isElsewhere = path !== marks.path;
  return {
    moves: isElsewhere ? Math.min(RESTLESS_MOVES, moves + 1) : moves,
    isRewritten: isRewritten || (!isElsewhere && url !== marks.url),
  };
}

/** Hosts that write the URL anew at each reading put ads in as well: of them the bytes say nothing. */
function judged(marks: ItemMarks, entry: LedgerEntry): ItemMarks {
  return isRestless(entry) ? { ...marks, lengthBytes: null } : marks;
}

/**
 * The length that is kept is that of the audio at the URL that is kept: hosts that put ads in give another one at each
 * reading, and it would be written each time.
 */
function lengthsOf(entry: LedgerEntry, marks: ItemMarks, isAnew: boolean) {
  const [kept, given] = isAnew ? [marks, entry] : [entry, marks];
  return {
    lengthBytes: kept.lengthBytes ?? given.lengthBytes,
    durationSeconds: kept.durationSeconds ?? given.durationSeconds,
  };
}

function isSameEntry(a: LedgerEntry, b: LedgerEntry): boolean {
  return (
    a.vanishedS === b.vanishedS &&
    a.moves === b.moves &&
    a.isRewritten === b.isRewritten &&
    a.aliases === b.aliases &&
    a.title === b.title &&
    a.dateS === b.dateS &&
    a.audioChanges === b.audioChanges &&
    a.url === b.url &&
    a.lengthBytes === b.lengthBytes &&
    a.durationSeconds === b.durationSeconds
  );
}
