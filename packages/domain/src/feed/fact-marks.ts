import { base32 } from '../ids.ts';
import type { Sha256 } from './audio-identity.ts';
import type { FeedItem } from './feed-document.ts';
import { enclosureKey } from './tracking.ts';

/**
 * Marks of what is kept of an item beside its audio, so that what a feed adds later is seen without reading what is kept of
 * each episode. Short hashes: only equality counts. Empty: not known, in ledgers of older versions.
 */
export interface FactMarks {
  /** Of what people write: title, season, type, people, and what transcripts are offered, without their URLs. */
  readonly facts: string;
  /** Of what some hosts give anew at each reading: the URLs of transcripts and chapters, date, and claimed duration. */
  readonly looseFacts: string;
}

/** Of an entry whose facts are not known. */
export const NO_FACTS = { facts: '', looseFacts: '', factMoves: 0 } as const;

/** Of 5 bits each: two versions of one episode's facts are not taken for one. */
const FACTS_LENGTH = 9;
const LOOSE_LENGTH = 6;

/** Bytes that the host claims are in none: with ads they are others each time. */
export function factMarks(item: FeedItem, sha256: Sha256): FactMarks {
  const { transcripts = [], persons = [], chaptersUrl } = item;
  const offered = transcripts.map(({ type, language }) => [type, language]);
  const { title, season, episodeNumber, episodeType, isExplicit, isBlocked } = item;
  const written = [title, season, episodeNumber, episodeType, isExplicit, isBlocked];
  const people = persons.map(({ name, role }) => [name, role]);
  const urls = [...transcripts.map(({ url }) => url), ...(chaptersUrl ? [chaptersUrl] : [])];
  const loose = [item.publishedMs, item.durationSecondsEstimate, urls.map(urlKey)];
  return {
    facts: mark([written, people, offered, chaptersUrl !== undefined], FACTS_LENGTH, sha256),
    looseFacts: mark(loose, LOOSE_LENGTH, sha256),
  };
}

/** As one text of a ledger's chunk, `moves` included: how often the loose ones alone were others. */
export function encodeFacts({ facts, looseFacts }: FactMarks, moves: number): string {
  return facts === '' ? '' : `${facts}${looseFacts}${moves}`;
}

/** What cannot be read is not known: nothing is lost by it but a comparison. */
export function decodeFacts(value: unknown): FactMarks & { readonly factMoves: number } {
  if (typeof value !== 'string' || value.length !== FACTS_LENGTH + LOOSE_LENGTH + 1)
    return NO_FACTS;
  const factMoves = Number(value.slice(-1));
  return {
    facts: value.slice(0, FACTS_LENGTH),
    looseFacts: value.slice(FACTS_LENGTH, -1),
    factMoves: Number.isInteger(factMoves) ? factMoves : 0,
  };
}

function urlKey(url: string): string {
  return URL.canParse(url) ? enclosureKey(url) : url;
}

function mark(of: unknown, length: number, sha256: Sha256): string {
  return base32(sha256(JSON.stringify(of)).subarray(0, 8)).slice(0, length);
}
