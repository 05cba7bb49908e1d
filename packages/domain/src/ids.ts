import { err, ok, type Result } from './result.ts';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** Given when a feed is added: 1 to 48 of a-z, 0-9 and inner hyphens. It survives a move of the URL. */
export type FeedId = Branded<string, 'FeedId'>;
/** Base32 of SHA-256(feed id, first key seen), 26 of a-z and 2-7: two pollers make one key. */
export type EpisodeId = Branded<string, 'EpisodeId'>;
/** 1 to 48 of a-z, 0-9 and inner hyphens. */
export type AgentId = Branded<string, 'AgentId'>;
/** Random, made when the buckets are made and at every restore: a new id is a new world. */
export type ClusterId = Branded<string, 'ClusterId'>;
/** Random, in every value, so that after a timed-out write a reader can tell whose it is. */
export type Nonce = Branded<string, 'Nonce'>;
/** One life of an agent: the revision of the write that began it. */
export type SessionId = Branded<number, 'SessionId'>;
/** Fencing token: the revision that the assigning CAS expected. Unique and rising for the episode's key. */
export type Token = Branded<number, 'Token'>;
/** One reign of a leader: the revision of the create that won. */
export type Epoch = Branded<number, 'Epoch'>;

const slugPattern = /^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/;
const episodePattern = /^[a-z2-7]{26}$/;
const randomPattern = /^[a-z2-7]{16}$/;

export const feedId = (text: string) =>
  match<FeedId>(text, slugPattern, 'feed id', '1 to 48 of a-z, 0-9 and inner hyphens');
export const agentId = (text: string) =>
  match<AgentId>(text, slugPattern, 'agent id', '1 to 48 of a-z, 0-9 and inner hyphens');
export const episodeId = (text: string) =>
  match<EpisodeId>(text, episodePattern, 'episode id', '26 of a-z and 2-7');
export const clusterId = (text: string) =>
  match<ClusterId>(text, randomPattern, 'cluster id', '16 of a-z and 2-7');
export const nonce = (text: string) =>
  match<Nonce>(text, randomPattern, 'nonce', '16 of a-z and 2-7');

/** From ten random bytes. */
export const clusterIdFrom = (random: Uint8Array) => base32(random).slice(0, 16) as ClusterId;
/** From ten random bytes. */
export const nonceFrom = (random: Uint8Array) => base32(random).slice(0, 16) as Nonce;
/** From the 32 bytes of SHA-256 over `feed id + "\n" + first key seen`. */
export const episodeIdFrom = (sha256: Uint8Array) => base32(sha256).slice(0, 26) as EpisodeId;

const isRevision = (n: number) => Number.isSafeInteger(n) && n > 0;
export const isSession = (n: number): n is SessionId => isRevision(n);
export const isToken = (n: number): n is Token => isRevision(n);
export const isEpoch = (n: number): n is Epoch => isRevision(n);

/** Lower-case RFC 4648 base32 without padding. */
export function base32(bytes: Uint8Array): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  let text = '';
  let bits = 0;
  let buffer = 0;
  for (const byte of bytes) {
    buffer = (buffer << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet[(buffer >> bits) & 31];
    }
    buffer &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(buffer << (5 - bits)) & 31] : text;
}

/** A readable id from any text: lower-case ASCII words joined by hyphens, or null when nothing of it can be kept. */
export function slug(text: string, lengthMax = 40): string | null {
  const words = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-');
  const cut = words.replace(/^-+/, '').slice(0, lengthMax).replace(/-+$/, '');
  return cut === '' ? null : cut;
}

function match<T extends string>(
  text: string,
  pattern: RegExp,
  what: string,
  expected: string,
): Result<T, string> {
  return pattern.test(text)
    ? ok(text as T)
    : err(`${what} ${quoted(text.slice(0, 60))} is not ${expected}`);
}

/** Control characters beyond those of JSON, ends of lines, and what turns the direction of writing. */
const steering = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** As JSON, so that it stays one line in a log and steers no terminal. */
function quoted(text: string): string {
  const escaped = (c: string) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(text).replace(steering, escaped);
}
