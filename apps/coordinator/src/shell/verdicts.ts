import type { EpisodeState, Lock } from '@podctl/domain/episode-state.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { agentOfSubject, resultSubject } from '@podctl/domain/key.ts';
import type { ResultMessage, ResultReply } from '@podctl/domain/protocol.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import { judge } from '@podctl/domain/verdict.ts';
import type { Bus, BusMessage, BusSubscription } from '@podctl/platform/bus.ts';
import { withoutSecrets } from '@podctl/platform/redaction.ts';
import type { Service } from '@podctl/platform/service.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import { isAddressFault } from '../core/address-fault.ts';
import type { Logger } from './logger.ts';
import { MessageComplaints } from './message-complaints.ts';
import { revoke, type SettleDeps, settle } from './settle.ts';

export interface VerdictOptions extends SettleDeps {
  readonly bus: Bus;
  readonly log: Logger;
  /** Called for each result that was refused. */
  fenced(agent: AgentId, message: ResultMessage): void;
  /** A host refused the address that a feed gave: the feed may have a newer one. */
  addressFailed?(feed: FeedId): void;
}

/** Rounds of settle and judge for one question; more means that rivals are at work: the agent asks again. */
const ROUNDS_MAX = 4;
/** Questions worked on at a time; the rest is told to come again. */
const OPEN_MAX = 256;

/** Answers `res.<agent>`: each answer comes from the value in the bucket, read by leader get, and no verdict deletes anything. */
export class Verdicts implements Service {
  readonly name = 'verdicts';
  readonly #options: VerdictOptions;
  readonly #complaints: MessageComplaints;
  #subscription: BusSubscription | null = null;
  #open = 0;

  constructor(options: VerdictOptions) {
    this.#options = options;
    this.#complaints = new MessageComplaints(options.log, options.clock);
  }

  async start(): Promise<void> {
    this.#subscription = this.#options.bus.subscribe(resultSubject('*'), (message) => {
      void this.#answer(message);
    });
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#subscription = null;
  }

  async #answer(message: BusMessage): Promise<void> {
    const agent = agentOfSubject(message.subject);
    const question = resultMessage.decode(message.data);
    if (agent === null || !question.ok) {
      const problem = question.ok ? 'subject' : question.error;
      this.#complaints.warn(agent, { problem }, 'a result message cannot be read');
      return;
    }
    this.#open += 1;
    const reply = await this.#reply(agent, question.value);
    this.#open -= 1;
    const encoded = resultReply.encode(reply);
    if (encoded.ok) message.respond(encoded.value);
  }

  async #reply(agent: AgentId, question: ResultMessage): Promise<ResultReply> {
    if (this.#open > OPEN_MAX) return { kind: 'later', reason: 'too many results at once' };
    try {
      return await this.#judge(agent, question);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#complaints.warn(agent, { ...question.job, reason }, 'a result cannot be judged now');
      return { kind: 'later', reason };
    }
  }

  async #judge(agent: AgentId, question: ResultMessage): Promise<ResultReply> {
    const { job, session, cluster, outcome } = question;
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const { store } = this.#options;
      const record = await this.#read(question);
      if (record === null) return this.#refuse(agent, question);
      const verdict = judge(record, store.cluster(), {
        cluster,
        session,
        stage: job.stage,
        run: job.run,
        token: job.token,
        outcome: outcome.kind,
      });
      if (verdict.kind === 'answer') {
        if (verdict.answer === 'fenced') return this.#refuse(agent, question);
        return { kind: 'verdict', answer: verdict.answer };
      }
      const { lock } = record.stages[job.stage];
      // The id in the subject is what the server let through; the one in the lock is what the leader wrote.
      if (lock.state === 'held' && lock.agent !== agent) return this.#refuse(agent, question);
      await this.#end(verdict.kind, question, lock);
    }
    return { kind: 'later', reason: 'the lock changes hands' };
  }

  /** Rejects when the value has not heard of the token: the lock was written above it, so an old leader of the stream told what was. */
  async #read({ cluster, job }: ResultMessage): Promise<EpisodeState | null> {
    const { store } = this.#options;
    const { record, revision } = await store.readEpisode(job.feed, job.episode);
    if (cluster === store.cluster() && revision <= job.token)
      throw new Error('the value that was read is older than the token');
    return record;
  }

  async #end(
    how: 'settle' | 'close' | 'fail',
    { job, outcome }: ResultMessage,
    lock: Lock,
  ): Promise<void> {
    if (how === 'fail' && outcome.kind === 'failed') {
      const isOfAddress = isAddressFault(job.stage, outcome.code);
      if (isOfAddress) this.#options.addressFailed?.(job.feed);
      // The feed is read again, so the next attempt may have another address, also where this one is gone for good.
      const isFirst = lock.state === 'held' && lock.failures === 0;
      const final = outcome.final && !(isOfAddress && isFirst);
      await revoke(this.#options, job, endOf({ ...outcome, final }));
    } else
      await settle(this.#options, job, (why) =>
        how === 'close' ? { kind: 'lost' } : incomplete(why),
      );
  }

  #refuse(agent: AgentId, question: ResultMessage): ResultReply {
    this.#options.fenced(agent, question);
    return { kind: 'verdict', answer: 'fenced' };
  }
}

function endOf(outcome: ResultMessage['outcome'] & { kind: 'failed' }): AttemptEnd {
  const { retryAfterMs, final, returned } = outcome;
  // It is shown to everybody, and agents are of other versions, and of other people.
  const reason = withoutSecrets(outcome.reason);
  return returned
    ? { kind: 'returned', reason, retryAfterMs }
    : { kind: 'failed', reason, retryAfterMs, final };
}

function incomplete(why: string): AttemptEnd {
  return {
    kind: 'failed',
    reason: `the result is not complete: ${why}`,
    retryAfterMs: null,
    final: false,
  };
}
