import { covers, revokedKeys, unitedRevocations } from '@podctl/domain/access.ts';
import {
  type AccountClaims,
  accountClaimsIn,
  accountJwt,
  type NatsSeeds,
  publicKeyOf,
} from '@podctl/platform/authority/nats-claims.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import {
  ClaimsError,
  lookUpAccounts,
  updateAccount,
} from '@podctl/platform/nats/account-claims.ts';
import type { NatsEvent, NatsLink } from '@podctl/platform/nats/connection.ts';
import type { AccessBook } from './access-book.ts';
import type { Logger } from './logger.ts';
import { Loop } from './loop.ts';

/**
 * Sees to it that the NATS servers refuse the keys that the book says are revoked. Every coordinator does, the leading one
 * or not, at each change of the book, whenever it is connected anew, and every 30 s: revoking must not wait for an
 * election. What is pushed is always what the whole book says united with what the servers have, newer than it by its
 * time: so two that push at once, or one whose book lags, lift nothing for longer than until the next look, which follows
 * each push. A look asks every server of the cluster.
 */
export interface RevocationOptions {
  readonly seeds: NatsSeeds;
  readonly book: AccessBook;
  readonly clock: Clock;
  readonly log: Logger;
  /** Connects as a user of the system account. */
  readonly connect: (listen: (event: NatsEvent) => void, signal: AbortSignal) => Promise<NatsLink>;
}

const LOOK_EVERY_MS = 30_000;
const SPACING_MS = 250;
const TRIES_MAX = 5;
const BACKOFF_FIRST_MS = 200;
const BACKOFF_MS_MAX = 800;
const SEEN_WITHIN_MS = 4_000;

export class NatsRevocations extends Loop {
  readonly #options: RevocationOptions;
  readonly #end = new AbortController();
  readonly #waiting = new Set<() => void>();
  #link: NatsLink | null = null;
  #unlisten = () => {};
  /** What every server that answered the last look refuses; null: not known. */
  #inForce: ReadonlyMap<string, number> | null = null;

  constructor(options: RevocationOptions) {
    const { clock, log } = options;
    super('revocations', { clock, log, tickMs: LOOK_EVERY_MS, spacingMs: SPACING_MS });
    this.#options = options;
  }

  /** Rejects with NatsRefused. */
  override async start(): Promise<void> {
    const { book, connect } = this.#options;
    const listen = (event: NatsEvent) => {
      if (event.kind === 'connected') this.kick();
    };
    this.#link = await connect(listen, this.#end.signal);
    this.#unlisten = book.onChange(() => this.kick());
    await super.start();
  }

  override async stop(): Promise<void> {
    this.#end.abort(new Error('revocations are stopped'));
    this.#unlisten();
    await super.stop();
    await this.#link?.close();
  }

  /** Revocations of the book that were not seen at every server. */
  pending(): number {
    const known = this.#inForce ?? new Map();
    const wanted = revokedKeys(this.#options.book.credentials(), this.#options.clock.wallMs());
    return [...wanted].filter((revocation) => !covers(known, new Map([revocation]))).length;
  }

  /** Resolves to true once every server that answers is seen to refuse the key, to false after 4 s. */
  async isRefused(natsKey: string, revokedMs: number): Promise<boolean> {
    const wanted = new Map([[natsKey, revokedMs]]);
    const patience = AbortSignal.any([AbortSignal.timeout(SEEN_WITHIN_MS), this.#end.signal]);
    for (;;) {
      if (this.#inForce !== null && covers(this.#inForce, wanted)) return true;
      if (patience.aborted) return false;
      const looked = this.#nextLook(patience);
      this.kick();
      await looked;
    }
  }

  #nextLook(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.add(resolve);
    signal.addEventListener('abort', () => resolve(), { once: true });
    return promise.finally(() => this.#waiting.delete(resolve));
  }

  protected override async turn(signal: AbortSignal): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#reconcile();
        return;
      } catch (error) {
        this.#inForce = null;
        if (tries === TRIES_MAX || !(error instanceof ClaimsError)) throw error;
      }
      const waitMs = Math.min(BACKOFF_FIRST_MS * 2 ** (tries - 1), BACKOFF_MS_MAX);
      await this.#options.clock.sleep(waitMs, signal);
    }
  }

  async #reconcile(): Promise<void> {
    const { seeds, book, clock, log } = this.#options;
    const link = this.#link;
    if (link === null) return;
    const nowMs = clock.wallMs();
    const known = await this.#look(link);
    // After the look: what was revoked meanwhile is part of this push.
    const wanted = united([{ revoked: revokedKeys(book.credentials(), nowMs) }, ...known], nowMs);
    if (known.every(({ revoked }) => covers(revoked, wanted))) return;
    const newestS = Math.max(0, ...known.map(({ issuedS }) => issuedS));
    const issuedS = Math.max(Math.floor(nowMs / 1_000), newestS + 1);
    await updateAccount(link, await accountJwt(seeds, wanted, issuedS));
    log.info({ keys: wanted.size }, 'the NATS servers were told of the revoked keys');
    // Somebody else may have pushed at the same time.
    await this.#look(link);
    this.kick();
  }

  /** What each server has. A text that is not ours revokes nothing, and is replaced. */
  async #look(link: NatsLink): Promise<readonly AccountClaims[]> {
    const { seeds } = this.#options;
    const texts = await lookUpAccounts(link, publicKeyOf(seeds.account));
    const known = texts.map((text) => accountClaimsIn(seeds, text) ?? NOTHING);
    this.#inForce = inAll(known);
    for (const tell of [...this.#waiting]) tell();
    return known;
  }
}

const NOTHING: AccountClaims = { issuedS: 0, revoked: new Map() };

function united(
  all: readonly Pick<AccountClaims, 'revoked'>[],
  nowMs: number,
): ReadonlyMap<string, number> {
  return all.reduce<ReadonlyMap<string, number>>(
    (keys, { revoked }) => unitedRevocations(keys, revoked, nowMs),
    new Map(),
  );
}

function inAll(known: readonly AccountClaims[]): ReadonlyMap<string, number> {
  const [first = NOTHING, ...others] = known;
  const keys = [...first.revoked].map(([key, ms]): [string, number] => [
    key,
    Math.min(ms, ...others.map(({ revoked }) => revoked.get(key) ?? 0)),
  ]);
  return new Map(keys);
}
