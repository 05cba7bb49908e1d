import { type Epoch, type Nonce, nonceFrom } from '@podctl/domain/ids.ts';
import { LEADER_KEY } from '@podctl/domain/key.ts';
import {
  afterEvent,
  isOwn,
  isTrusted,
  type LeaderSeen,
  newTerm,
  nextAction,
  type Term,
  type TermEvent,
  type TermRules,
} from '@podctl/domain/term.ts';
import type { Clock } from './clock.ts';
import type { CasOutcome, Kv, KvEntry, Tail } from './kv.ts';
import { decodeLeader, encodeLeader, type LeaderRecord } from './leader-record.ts';
import type { Service } from './service.ts';

export interface LeadershipOptions {
  /** The bucket of the leader's key. Its writes should time out well within the trust: 1.5 s. */
  readonly kv: Kv;
  readonly clock: Clock;
  readonly rules: TermRules;
  readonly coordinator: string;
  /** Where the others forward writes to. */
  readonly address: string;
  readonly randomBytes: (count: number) => Uint8Array;
  /** A lock elsewhere proves that no other coordinator lives: a key found at the start is stale and is taken over. */
  readonly proveAlone?: boolean;
  /** Asked before each stand, for instance whether the library can be reached. */
  readonly mayStand?: () => boolean;
  /**
   * The leader's work. The signal is aborted when the reign ends, and the work must end then: this coordinator stands
   * again only after it did. Work that ends or throws by itself ends the reign.
   */
  readonly onLead: (reign: Reign, signal: AbortSignal) => Promise<void>;
  /** Another leads than before, or nobody as far as is known. Not called for each renewal. */
  readonly onLeader?: (leader: LeaderRecord | null) => void;
  readonly onError: (error: unknown) => void;
}

/** One reign, for whoever acts in it: ask before each act that counts. */
export interface Reign {
  readonly epoch: Epoch;
  isTrusted(): boolean;
}

interface RunningReign extends Reign {
  readonly ending: AbortController;
  readonly ended: Promise<void>;
}

/** Runs the term (see domain/term.ts) on a key with a TTL: follows, stands, renews, steps down, hands over on stop. */
export class Leadership implements Service {
  readonly name = 'leadership';
  readonly #options: LeadershipOptions;
  readonly #stopping = new AbortController();
  #term: Term;
  #running: Promise<void> | null = null;
  #tail: Tail | null = null;
  #reign: RunningReign | null = null;
  #leader: LeaderRecord | null = null;
  #leaderRevision = 0;
  #resting = new AbortController();

  constructor(options: LeadershipOptions) {
    this.#options = options;
    this.#term = newTerm(options.clock.monotonicMs(), { alone: options.proveAlone ?? false });
  }

  async start(): Promise<void> {
    if (this.#running !== null || this.#stopping.signal.aborted) return;
    this.#tail = this.#options.kv.tail({
      entry: (entry) => this.#onTail(entry),
      current: () => undefined,
    });
    await this.#tail.start();
    this.#running = this.#run(this.#stopping.signal);
  }

  /** Ends the reign and deletes the key at once, so that another can win; then waits for the work to end. */
  async stop(): Promise<void> {
    const reason = new Error('leadership stops');
    this.#stopping.abort(reason);
    this.#reign?.ending.abort(reason);
    this.#resting.abort();
    await this.#tail?.stop();
    await this.#running;
  }

  /** The own reign, or null. */
  term(): Reign | null {
    return this.#isLeading() && !this.#stopping.signal.aborted ? this.#reign : null;
  }

  /** Who leads as far as is known, itself included; it may be old. */
  leader(): LeaderRecord | null {
    return this.#leader;
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#reign !== null && !this.#isLeading()) await this.#endReign(this.#reign);
      else await this.#act(signal);
    }
    this.#reign?.ending.abort(signal.reason);
    await this.#release();
    await this.#reign?.ended;
  }

  async #act(signal: AbortSignal): Promise<void> {
    const action = nextAction(this.#term, this.#now());
    switch (action.do) {
      case 'wait':
        return this.#rest(action.untilMs);
      case 'read':
        return this.#read(signal);
      case 'stand':
        return this.#write(action.expected, null);
      case 'renew':
        return this.#write(action.expected, action.epoch);
    }
  }

  async #rest(untilMs: number): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#resting = new AbortController();
    const ms = Math.max(0, untilMs - this.#now());
    await this.#options.clock.sleep(ms, this.#resting.signal).catch(() => undefined);
    this.#apply({ kind: 'tick' });
  }

  async #read(signal: AbortSignal): Promise<void> {
    try {
      const entry = await this.#options.kv.get(LEADER_KEY, signal);
      const seen = this.#note(entry);
      const mayStand = this.#options.mayStand?.() ?? true;
      this.#apply({ kind: 'read', seen, mayStand });
    } catch (error) {
      if (signal.aborted) return;
      this.#options.onError(error);
      this.#apply({ kind: 'unread' });
    }
  }

  async #write(expected: number, epoch: Epoch | null): Promise<void> {
    const { kv, coordinator, address, rules, randomBytes } = this.#options;
    const nonce = nonceFrom(randomBytes(10));
    // Before it is sent: trust is counted from here.
    this.#apply({ kind: 'sent', nonce });
    const value = encodeLeader({ coordinator, address, epoch, nonce });
    const outcome = await kv.cas(LEADER_KEY, expected, value, { ttlMs: rules.ttlMs });
    if (outcome.kind === 'unknown') this.#options.onError(outcome.cause);
    this.#apply(answerOf(outcome, nonce));
  }

  /** Deletes the key if it is an own one. A second look, since a write that went unanswered may land in between. */
  async #release(): Promise<void> {
    const { kv, onError } = this.#options;
    for (let look = 0; look < 2; look++) {
      const entry = await kv.get(LEADER_KEY).catch((error: unknown) => {
        onError(error);
        return 'unread' as const;
      });
      // Not known to be free: leaving it would keep the others waiting for its end.
      if (entry === 'unread') continue;
      const seen = this.#note(entry);
      if (seen.kind === 'free' || !isOwn(this.#term, seen.nonce)) return;
      const outcome = await kv.remove(LEADER_KEY, seen.revision);
      if (outcome.kind === 'written') return;
    }
  }

  async #endReign(reign: RunningReign): Promise<void> {
    const role = this.#term.role;
    // The work is over when it resigned, so the key can go at once; after other ends the key is not known to be ours.
    if (role.state === 'deposed' && role.why === 'resigned') await this.#release();
    await reign.ended;
    this.#reign = null;
  }

  #apply(event: TermEvent): void {
    this.#term = afterEvent(this.#term, event, this.#now(), this.#options.rules);
    const role = this.#term.role;
    if (role.state === 'leading') {
      if (!this.#stopping.signal.aborted) this.#reign ??= this.#begin(role.epoch);
      return;
    }
    const why = role.state === 'deposed' ? role.why : 'the key was lost';
    this.#reign?.ending.abort(new Error(`no longer leading: ${why}`));
  }

  #begin(epoch: Epoch): RunningReign {
    const ending = new AbortController();
    const reign: Reign = {
      epoch,
      isTrusted: () =>
        !ending.signal.aborted &&
        !this.#stopping.signal.aborted &&
        isTrusted(this.#term, this.#now()),
    };
    return { ...reign, ending, ended: this.#work(reign, ending) };
  }

  async #work(reign: Reign, ending: AbortController): Promise<void> {
    const watched = this.#watchTrust(ending.signal);
    try {
      // Not before the reign is known to `term()`.
      await Promise.resolve();
      await this.#options.onLead(reign, ending.signal);
    } catch (error) {
      if (error !== ending.signal.reason) this.#options.onError(error);
    }
    if (!ending.signal.aborted) this.#apply({ kind: 'resigned' });
    ending.abort();
    this.#resting.abort();
    await watched;
  }

  /** Steps down at the instant when trust runs out, even while an answer is awaited. */
  async #watchTrust(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const role = this.#term.role;
      if (role.state !== 'leading') return;
      const ms = Math.max(1, role.trustedUntilMs - this.#now());
      await this.#options.clock.sleep(ms, signal).catch(() => undefined);
      this.#apply({ kind: 'tick' });
    }
  }

  #onTail(entry: KvEntry): void {
    if (entry.key !== LEADER_KEY) return;
    this.#apply({ kind: 'hinted', seen: this.#note(entry) });
    this.#resting.abort();
  }

  /** Keeps who leads, for those who ask, and gives what the term needs of it. */
  #note(entry: KvEntry | null): LeaderSeen {
    const revision = entry?.revision ?? 0;
    const record = entry?.kind === 'value' ? decodeLeader(entry.value) : null;
    if (entry === null || revision >= this.#leaderRevision) {
      this.#leaderRevision = revision;
      this.#setLeader(record);
    }
    if (entry?.kind !== 'value') return { kind: 'free', revision };
    return { kind: 'held', revision, nonce: record?.nonce ?? null };
  }

  #setLeader(leader: LeaderRecord | null): void {
    const before = this.#leader;
    this.#leader = leader;
    const isSame = before?.coordinator === leader?.coordinator && before?.epoch === leader?.epoch;
    if (!isSame) this.#options.onLeader?.(leader);
  }

  #isLeading(): boolean {
    return this.#term.role.state === 'leading';
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }
}

function answerOf(outcome: CasOutcome, nonce: Nonce): TermEvent {
  switch (outcome.kind) {
    case 'written':
      return { kind: 'written', revision: outcome.revision, nonce };
    case 'conflict':
    case 'unknown':
      return { kind: outcome.kind };
  }
}
