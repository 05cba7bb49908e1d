import { type EpisodeId, episodeId } from '../ids.ts';
import { err, ok, type Result } from '../result.ts';
import type { AudioMarks } from './audio-identity.ts';
import { decodeFacts, encodeFacts, type FactMarks } from './fact-marks.ts';

/** By what an episode was first known; a `double` came under a GUID that another item of its document had. */
export const LEDGER_ORIGINS = ['guid', 'url', 'double'] as const;
export type LedgerOrigin = (typeof LEDGER_ORIGINS)[number];

/** One episode in the ledger of its feed. It is never taken out, and its id never changes. */
export interface LedgerEntry extends AudioMarks, FactMarks {
  readonly episode: EpisodeId;
  readonly origin: LedgerOrigin;
  /** What its later keys would have given as ids, oldest first, at most ALIASES_MAX. */
  readonly aliases: readonly EpisodeId[];
  /** Epoch seconds at which a whole document first listed it no more; null while it is listed. */
  readonly vanishedS: number | null;
  /** How often its file was at another host or path, up to RESTLESS_MOVES; from there on it is expected to be each time. */
  readonly moves: number;
  /** Parameters alone of its URL were others once: they are expected to be each time. */
  readonly isRewritten: boolean;
  /** How often the audio was another under the same key, as far as the feed tells. */
  readonly audioChanges: number;
  /** How often its loose facts alone were others, up to RESTLESS_MOVES; from there on they are expected to be each time. */
  readonly factMoves: number;
  /** Known, and wanted by nobody: no filter let it through yet. */
  readonly isFiltered: boolean;
}

/** A feed that makes up a GUID at each reading would be written at each reading: after these it is known by its audio. */
export const ALIASES_MAX = 8;
/** Hosts that sign in the path give another one each time. */
export const RESTLESS_MOVES = 3;

/** Whether its URL is another each time, and so is not written each time, but read from the feed when it is needed. */
export function isRestless({ moves, isRewritten }: LedgerEntry): boolean {
  return isRewritten || moves >= RESTLESS_MOVES;
}

/** What a feed's ledger comes to. */
export interface LedgerCounts {
  /** All that were ever listed, filtered ones among them. */
  readonly known: number;
  /** Those that have not vanished. */
  readonly listed: number;
  readonly vanished: number;
  /** Episodes with a later key: their GUID was issued anew. */
  readonly replaced: number;
  readonly audioChanged: number;
  readonly filtered: number;
}

export function ledgerCounts(entries: Iterable<LedgerEntry>): LedgerCounts {
  const counts = { known: 0, listed: 0, vanished: 0, replaced: 0, audioChanged: 0, filtered: 0 };
  for (const { vanishedS, aliases, audioChanges, isFiltered } of entries) {
    counts.known += 1;
    if (vanishedS === null) counts.listed += 1;
    else counts.vanished += 1;
    if (aliases.length > 0) counts.replaced += 1;
    if (audioChanges > 0) counts.audioChanged += 1;
    if (isFiltered) counts.filtered += 1;
  }
  return counts;
}

/**
 * Entries of one key of the bucket. An entry stays in the chunk that it came into, so that a change of one episode writes
 * one chunk: about 60 KB of a feed that may have twenty thousand.
 */
export const CHUNK_ENTRIES = 500;
const VERSION = 1;
const FILTERED = 1;
const REWRITTEN = 2;

/**
 * `{"v":1,"e":[[episode, origin, url, path, title, date, bytes, seconds, vanished, moves, changes, flags, …aliases], …],
 * "f":[facts, …]}`. Older versions pass over `f` and write a chunk without it: then the facts are not known.
 */
export function encodeChunk(entries: readonly LedgerEntry[]): string {
  const f = entries.map((entry) => encodeFacts(entry, entry.factMoves));
  return JSON.stringify({ v: VERSION, e: entries.map(tupleOf), f });
}

/** Errors are one sentence: a newer version's, or damaged. It is never overwritten. */
export function decodeChunk(text: string): Result<LedgerEntry[], string> {
  try {
    const { v, e, f } = JSON.parse(text) as { v?: unknown; e?: unknown; f?: unknown };
    if (v !== VERSION) return err(`it says version ${JSON.stringify(v)}, and this podctl reads 1`);
    if (!Array.isArray(e)) return err('it holds no entries');
    const facts: readonly unknown[] = Array.isArray(f) ? f : [];
    return ok(e.map((entry, at) => ({ ...entryOf(entry), ...decodeFacts(facts[at]) })));
  } catch (error) {
    return err(error instanceof Error ? error.message : 'it is no JSON');
  }
}

function tupleOf(entry: LedgerEntry): readonly unknown[] {
  return [
    entry.episode,
    LEDGER_ORIGINS.indexOf(entry.origin),
    entry.url,
    entry.path,
    entry.title,
    entry.dateS,
    entry.lengthBytes,
    entry.durationSeconds,
    entry.vanishedS,
    entry.moves,
    entry.audioChanges,
    (entry.isFiltered ? FILTERED : 0) + (entry.isRewritten ? REWRITTEN : 0),
    ...entry.aliases,
  ];
}

function entryOf(value: unknown): Omit<LedgerEntry, keyof FactMarks | 'factMoves'> {
  if (!Array.isArray(value)) throw new Error('an entry is no list');
  const [episode, origin, url, path, title, date, bytes, seconds, vanished, moves, changes, flags] =
    value as readonly unknown[];
  return {
    episode: idOf(episode),
    origin: LEDGER_ORIGINS[numberOf(origin)] ?? 'guid',
    url: textOf(url),
    path: textOf(path),
    title: textOf(title),
    dateS: numberOrNull(date),
    lengthBytes: numberOrNull(bytes),
    durationSeconds: numberOrNull(seconds),
    vanishedS: numberOrNull(vanished),
    moves: numberOf(moves),
    audioChanges: numberOf(changes),
    isFiltered: (numberOf(flags) & FILTERED) !== 0,
    isRewritten: (numberOf(flags) & REWRITTEN) !== 0,
    aliases: value.slice(12).map(idOf),
  };
}

function idOf(value: unknown): EpisodeId {
  const id = episodeId(textOf(value));
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new Error('an entry lacks a text');
  return value;
}

function numberOf(value: unknown): number {
  if (typeof value !== 'number') throw new Error('an entry lacks a number');
  return value;
}

function numberOrNull(value: unknown): number | null {
  return value === null ? null : numberOf(value);
}
