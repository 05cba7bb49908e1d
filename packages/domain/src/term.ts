import type { Epoch, Nonce } from './ids.ts';

/**
 * One reign of a leading coordinator, as pure transitions.
 *
 *   following --read: free--> standing --written--> leading --doubt, rival, end--> deposed --read--> …
 *
 * The leader's key carries a TTL that the server counts from when a renewal arrived. Trust is counted here, on the
 * monotonic clock, from BEFORE that renewal was sent, less a margin: it ends before the key can expire and somebody
 * else can win. What is never true: trust after the key may have expired; trust won back by an answer that came late.
 * An answer that never came keeps the old trust until it runs out, and the key is read to see what became of it.
 */
export interface TermRules {
  /** The key lives so long after each renewal, by the server's clock. */
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** Taken off the trust: the difference that two clocks may make in one TTL, and the way of the last message out. */
  readonly marginMs: number;
  /** A follower reads the key so often, whatever its tail says. */
  readonly pollEveryMs: number;
  /** After a failed read, a lost race, or a write in doubt. */
  readonly retryMs: number;
}

export const TERM_RULES: TermRules = {
  ttlMs: 6_000,
  renewEveryMs: 2_000,
  marginMs: 1_000,
  pollEveryMs: 2_000,
  retryMs: 250,
};

/** Own writes that are remembered to know them again in the key. A forgotten one reads as a stranger's: safe, slower. */
const WRITES_MAX = 8;

/** The leader's key as it was read. */
export type LeaderSeen =
  /** Revision to expect: the marker's, or 0. */
  | { readonly kind: 'free'; readonly revision: number }
  | { readonly kind: 'held'; readonly revision: number; readonly nonce: Nonce | null };

/** A write of the leader's key by this coordinator, named by the nonce in its value. */
interface TermWrite {
  readonly nonce: Nonce;
  readonly sentAtMs: number;
}

export type TermRole =
  | { readonly state: 'following'; readonly readAtMs: number }
  /** The key was read as free, or as an own one left over: it is to be won by CAS at that revision. */
  | { readonly state: 'standing'; readonly expected: number }
  | {
      readonly state: 'leading';
      readonly epoch: Epoch;
      /** Newest own revision of the key that is known. */
      readonly revision: number;
      readonly trustedUntilMs: number;
      readonly next: { readonly do: 'renew' | 'read'; readonly atMs: number };
      /** A renewal went unanswered and may still land: a conflict may be with oneself. */
      readonly inDoubt: boolean;
    }
  | {
      readonly state: 'deposed';
      readonly epoch: Epoch;
      readonly why: DeposedWhy;
      readonly readAtMs: number;
    };

export type DeposedWhy = 'trust ran out' | 'another holds the key' | 'resigned';

export interface Term {
  readonly role: TermRole;
  readonly writes: readonly TermWrite[];
  /** No other coordinator lives, which a lock elsewhere proves: the first key found is stale. */
  readonly alone: boolean;
}

export type TermEvent =
  /** A write is about to be sent. It is named in its answer. */
  { readonly kind: 'sent'; readonly nonce: Nonce } | { readonly kind: 'tick' } | TermNews;

export type TermNews =
  | { readonly kind: 'read'; readonly seen: LeaderSeen; readonly mayStand: boolean }
  | { readonly kind: 'unread' }
  /** The tail showed a change of the key: a hint, never trusted. */
  | { readonly kind: 'hinted'; readonly seen: LeaderSeen }
  | { readonly kind: 'written'; readonly revision: number; readonly nonce: Nonce }
  | { readonly kind: 'conflict' }
  | { readonly kind: 'unknown' }
  /** Its work ended by itself. */
  | { readonly kind: 'resigned' };

export type TermAction =
  | { readonly do: 'wait'; readonly untilMs: number }
  | { readonly do: 'read' }
  | { readonly do: 'stand'; readonly expected: number }
  | { readonly do: 'renew'; readonly expected: number; readonly epoch: Epoch };

export function newTerm(nowMs: number, options: { readonly alone: boolean }): Term {
  return { role: { state: 'following', readAtMs: nowMs }, writes: [], alone: options.alone };
}

/** May this coordinator act as the leader at this instant? */
export function isTrusted(term: Term, nowMs: number): boolean {
  return term.role.state === 'leading' && nowMs < term.role.trustedUntilMs;
}

/** Is this value of the key one that this coordinator wrote? */
export function isOwn(term: Term, nonce: Nonce | null): boolean {
  return ownWrite(term, nonce) !== null;
}

/** What to do next. It is asked again after every event. */
export function nextAction(term: Term, nowMs: number): TermAction {
  const role = term.role;
  switch (role.state) {
    case 'following':
    case 'deposed':
      return nowMs < role.readAtMs ? { do: 'wait', untilMs: role.readAtMs } : { do: 'read' };
    case 'standing':
      return { do: 'stand', expected: role.expected };
    case 'leading':
      if (nowMs < role.next.atMs) {
        return { do: 'wait', untilMs: Math.min(role.next.atMs, role.trustedUntilMs) };
      }
      if (role.next.do === 'read') return { do: 'read' };
      return { do: 'renew', expected: role.revision, epoch: role.epoch };
  }
}

/** The term after an event. Trust that has run out is lost before the event is looked at. */
export function afterEvent(before: Term, event: TermEvent, nowMs: number, rules: TermRules): Term {
  const term = expired(before, nowMs);
  if (event.kind === 'sent') return remembered(term, { nonce: event.nonce, sentAtMs: nowMs });
  if (event.kind === 'tick' || term !== before) return term;
  const role = term.role;
  switch (role.state) {
    case 'following':
    case 'deposed':
    case 'standing':
      return afterWithoutTrust(term, event, nowMs, rules);
    case 'leading':
      return { ...term, role: afterLeading(term, role, event, nowMs, rules) };
  }
}

type Leading = Extract<TermRole, { state: 'leading' }>;

function afterWithoutTrust(term: Term, event: TermNews, nowMs: number, rules: TermRules): Term {
  const follow = (afterMs: number): Term => ({
    ...term,
    role: { state: 'following', readAtMs: nowMs + afterMs },
  });
  switch (event.kind) {
    case 'read': {
      if (!isOpen(term, event.seen) || !event.mayStand) return follow(rules.pollEveryMs);
      return { ...term, alone: false, role: { state: 'standing', expected: event.seen.revision } };
    }
    case 'written':
      return won(term, event, nowMs, rules) ?? follow(0);
    case 'hinted':
      return isOpen(term, event.seen) && term.role.state === 'following' ? follow(0) : term;
    case 'unread':
    case 'conflict':
    case 'unknown':
      return follow(rules.retryMs);
    case 'resigned':
      return term;
  }
}

/** Only a win while standing is a reign; an answer to a write of a lost reign, or one that came too late, is not. */
function won(
  term: Term,
  event: { readonly revision: number; readonly nonce: Nonce },
  nowMs: number,
  rules: TermRules,
): Term | null {
  const write = ownWrite(term, event.nonce);
  if (term.role.state !== 'standing' || write === null) return null;
  const role = reign(write, event.revision as Epoch, event.revision, rules);
  return nowMs < role.trustedUntilMs ? { ...term, role } : null;
}

function reign(write: TermWrite, epoch: Epoch, revision: number, rules: TermRules): Leading {
  return {
    state: 'leading',
    epoch,
    revision,
    trustedUntilMs: write.sentAtMs + rules.ttlMs - rules.marginMs,
    next: { do: 'renew', atMs: write.sentAtMs + rules.renewEveryMs },
    inDoubt: false,
  };
}

function afterLeading(
  term: Term,
  role: Leading,
  event: TermNews,
  nowMs: number,
  rules: TermRules,
): TermRole {
  switch (event.kind) {
    case 'written': {
      const write = ownWrite(term, event.nonce);
      return write === null ? role : reign(write, role.epoch, event.revision, rules);
    }
    case 'conflict':
      if (role.inDoubt) return readingAt(role, nowMs);
      return deposed(role, 'another holds the key', nowMs + rules.retryMs);
    case 'unknown':
      return { ...readingAt(role, nowMs + rules.retryMs), inDoubt: true };
    case 'unread':
      return readingAt(role, nowMs + rules.retryMs);
    case 'read':
      return afterOwnRead(term, role, event.seen, nowMs, rules);
    case 'hinted': {
      const isNews = event.seen.revision > role.revision;
      const isMine = event.seen.kind === 'held' && isOwn(term, event.seen.nonce);
      return isNews && !isMine ? readingAt(role, nowMs) : role;
    }
    case 'resigned':
      return deposed(role, 'resigned', nowMs + rules.pollEveryMs);
  }
}

/** A leader in doubt has read the key. */
function afterOwnRead(
  term: Term,
  role: Leading,
  seen: LeaderSeen,
  nowMs: number,
  rules: TermRules,
): TermRole {
  // An old leader of the store may answer with what was; the trust bounds how long that is believed.
  if (seen.revision < role.revision) return readingAt(role, nowMs + rules.retryMs);
  const write = seen.kind === 'held' ? ownWrite(term, seen.nonce) : null;
  if (write === null) return deposed(role, 'another holds the key', nowMs + rules.retryMs);
  const found = reign(write, role.epoch, seen.revision, rules);
  const trustedUntilMs = Math.max(role.trustedUntilMs, found.trustedUntilMs);
  return { ...found, trustedUntilMs, inDoubt: role.inDoubt };
}

function readingAt(role: Leading, atMs: number): Leading {
  return { ...role, next: { do: 'read', atMs } };
}

function deposed(role: Leading, why: DeposedWhy, readAtMs: number): TermRole {
  return { state: 'deposed', epoch: role.epoch, why, readAtMs };
}

function expired(term: Term, nowMs: number): Term {
  const role = term.role;
  if (role.state !== 'leading' || nowMs < role.trustedUntilMs) return term;
  return {
    ...term,
    role: { state: 'deposed', epoch: role.epoch, why: 'trust ran out', readAtMs: nowMs },
  };
}

/** Free, or left over from this coordinator, whose work of that reign has ended, or proven stale. */
function isOpen(term: Term, seen: LeaderSeen): boolean {
  return seen.kind === 'free' || term.alone || isOwn(term, seen.nonce);
}

function ownWrite(term: Term, nonce: Nonce | null): TermWrite | null {
  return term.writes.find((write) => write.nonce === nonce) ?? null;
}

function remembered(term: Term, write: TermWrite): Term {
  return { ...term, writes: [...term.writes, write].slice(-WRITES_MAX) };
}
