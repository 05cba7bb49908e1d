import type { Epoch } from '@podctl/domain/ids.ts';
import { ORDER_SUBJECT } from '@podctl/domain/key.ts';
import type { Order, OrderDone, OrderReply, ReleasedLock } from '@podctl/domain/order.ts';
import { type Bus, BusError, type BusMessage, type BusSubscription } from '@podctl/platform/bus.ts';
import { orderMessage, orderReply } from '@podctl/platform/order-wire.ts';
import type { Service } from '@podctl/platform/service.ts';
import { adoptResult } from './adopted-result.ts';
import { setCordon } from './cordon-orders.ts';
import { retryJobs, skipEpisode } from './episode-orders.ts';
import { changeFeedRecord } from './feed-changing.ts';
import type { FeedRegistry } from './feed-registry.ts';
import { cancelJob } from './job-cancel.ts';
import type { Logger } from './logger.ts';
import { OrderFailed } from './order-failed.ts';
import type { Replica } from './replica.ts';
import { revoke, type SettleDeps } from './settle.ts';

export interface OrderDeskOptions extends SettleDeps {
  readonly bus: Bus;
  readonly log: Logger;
  readonly registry: FeedRegistry;
  readonly replica: Replica;
  readonly epoch: Epoch;
  /** There may be some to read at once, or to leave alone. */
  feedsAdded(): void;
}

/** Orders at the same time; those that come when as many run are answered with a refusal. */
const ORDERS_MAX = 32;
/** 500 synced writes, and the titles of some feeds asked for. */
const REPLY_MS_MAX = 30_000;

/** Carries out what people ask for, from here and from the other coordinators. Leader only. */
export class OrderDesk implements Service {
  readonly name = 'order desk';
  readonly #options: OrderDeskOptions;
  readonly #running = new Set<Promise<void>>();
  #subscription: BusSubscription | null = null;

  constructor(options: OrderDeskOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#subscription = this.#options.bus.subscribe(ORDER_SUBJECT, (message) =>
      this.#receive(message),
    );
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#subscription = null;
    await Promise.allSettled(this.#running);
  }

  /** Rejects when it cannot be said whether all of it was done: the same order may be given again. */
  async carryOut(order: Order): Promise<OrderDone> {
    switch (order.kind) {
      case 'add_feeds':
        return { kind: order.kind, added: await this.#add(order) };
      case 'change_feed':
        return { kind: order.kind, changed: await this.#change(order) };
      case 'retry_jobs':
        return { kind: order.kind, retried: await retryJobs(this.#options, order) };
      case 'skip_episode':
        return { kind: order.kind, skipped: await skipEpisode(this.#options, order.episode) };
      case 'release_lock':
        return { kind: order.kind, released: await this.#release(order) };
      case 'set_cordon':
        return { kind: order.kind, set: await setCordon(this.#options, order.agent, order.wish) };
      case 'cancel_job':
        return { kind: order.kind, canceled: await cancelJob(this.#options, order.job, order.by) };
      case 'adopt_result':
        return { kind: order.kind, refusal: await adoptResult(this.#options, order.result) };
      case 'repeat_runs':
        return { kind: order.kind, requested: await this.#repeat(order) };
    }
  }

  async #add({ feeds, dryRun }: Extract<Order, { kind: 'add_feeds' }>) {
    const added = await this.#options.registry.add(feeds, dryRun);
    this.#options.feedsAdded();
    return added;
  }

  async #change(order: Extract<Order, { kind: 'change_feed' }>) {
    const changed = await changeFeedRecord(this.#options, order);
    this.#options.feedsAdded();
    return changed;
  }

  async #release({ lock }: Extract<Order, { kind: 'release_lock' }>): Promise<ReleasedLock> {
    const end = {
      kind: 'returned',
      reason: 'released by an operator',
      retryAfterMs: null,
    } as const;
    const outcome = await revoke(this.#options, lock, end);
    switch (outcome.kind) {
      case 'moved':
        return { kind: 'released', revision: outcome.revision };
      case 'declined': {
        const found = outcome.state?.stages[lock.stage].lock;
        const isCommitted = found?.state === 'committed' && found.token === lock.token;
        return { kind: isCommitted ? 'committed' : 'not_held' };
      }
      case 'given_up':
        throw new OrderFailed(`the lock could not be released: ${outcome.reason}`);
    }
  }

  async #repeat({
    request,
    runs,
    model,
  }: Extract<Order, { kind: 'repeat_runs' }>): Promise<number> {
    let requested = 0;
    for (const { feed, episode, stage, run } of runs) {
      const outcome = await this.#options.store.moveEpisode(feed, episode, stage, (state) => {
        const { wanted, done, requests } = state.stages[stage];
        const isNewest = done?.run === run && wanted === run && !requests.includes(request);
        return isNewest ? { kind: 'request', request, model } : null;
      });
      if (outcome.kind === 'given_up') throw new OrderFailed(outcome.reason);
      if (outcome.kind === 'moved') requested += 1;
    }
    return requested;
  }

  #receive(message: BusMessage): void {
    const answering = this.#answer(message).catch((error: unknown) => {
      this.#options.log.error({ err: error }, 'an order could not be answered');
    });
    this.#running.add(answering);
    void answering.finally(() => this.#running.delete(answering));
  }

  async #answer(message: BusMessage): Promise<void> {
    const reply = await this.#replyTo(message.data);
    const encoded = orderReply.encode(reply);
    if (!encoded.ok) throw new Error(encoded.error);
    message.respond(encoded.value);
  }

  async #replyTo(data: Uint8Array): Promise<OrderReply> {
    const order = orderMessage.decode(data);
    if (!order.ok) return { kind: 'failed', reason: order.error };
    if (this.#running.size >= ORDERS_MAX)
      return { kind: 'failed', reason: `the leading coordinator has ${ORDERS_MAX} orders to do` };
    try {
      return { kind: 'done', done: await this.carryOut(order.value) };
    } catch (error) {
      return { kind: 'failed', reason: error instanceof Error ? error.message : 'unknown' };
    }
  }
}

/** Passes an order on to whoever leads. Rejects with OrderFailed, or with BusError `nobody` when nobody leads. */
export async function passOn(bus: Bus, order: Order): Promise<OrderDone> {
  const encoded = orderMessage.encode(order);
  if (!encoded.ok) throw new OrderFailed(encoded.error);
  let answer: Uint8Array;
  try {
    answer = await bus.request(ORDER_SUBJECT, encoded.value, { timeoutMs: REPLY_MS_MAX });
  } catch (error) {
    if (!(error instanceof BusError) || error.code === 'nobody') throw error;
    throw new OrderFailed(`the leading coordinator did not answer (${error.code})`, error);
  }
  const reply = orderReply.decode(answer);
  if (!reply.ok) throw new OrderFailed(reply.error);
  if (reply.value.kind === 'failed') throw new OrderFailed(reply.value.reason);
  if (reply.value.done.kind !== order.kind)
    throw new OrderFailed('the leading coordinator answered another order');
  return reply.value.done;
}
