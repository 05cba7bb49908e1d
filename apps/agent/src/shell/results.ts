import type { AgentId, SessionId } from '@podctl/domain/ids.ts';
import { resultSubject } from '@podctl/domain/key.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { resultMessage, resultReply } from '@podctl/platform/wire.ts';
import type { PendingResult } from '../core/token-key.ts';

const REQUEST_MS_MAX = 10_000;
/** From the wait after the first unanswered request to the longest. */
const RESULT_BACKOFF = { backoffFirstMs: 500, backoffMaxMs: 15_000 };

export interface ResultsPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly agent: AgentId;
  readonly boot: string;
  /** Called once for each key that was asked about, when the leader has judged. */
  readonly settled: (key: string, answer: VerdictAnswer) => void;
  /** Counts the requests that brought no verdict. */
  readonly unanswered: () => void;
}

/** Asks for verdicts until they are given: one loop a key, each ended by an answer, `drop` or `stop`. */
export class Results {
  readonly #ports: ResultsPorts;
  readonly #asking = new Map<string, AbortController>();
  readonly #loops = new Set<Promise<void>>();
  /** Ends the waits and the questions of now, so that all is asked anew. */
  #nudge = new AbortController();

  constructor(ports: ResultsPorts) {
    this.#ports = ports;
  }

  /** An older question about the same key ends. */
  ask(key: string, session: SessionId, result: PendingResult): void {
    this.drop(key);
    const controller = new AbortController();
    this.#asking.set(key, controller);
    const loop = this.#ask(key, session, result, controller.signal).finally(() => {
      this.#loops.delete(loop);
    });
    this.#loops.add(loop);
  }

  /** Asks anew what has no answer yet, without waiting for the time-out of a question that nobody may have heard. */
  askAgain(): void {
    this.#nudge.abort();
    this.#nudge = new AbortController();
  }

  drop(key: string): void {
    this.#asking.get(key)?.abort();
    this.#asking.delete(key);
  }

  async stop(): Promise<void> {
    for (const controller of this.#asking.values()) controller.abort();
    this.#asking.clear();
    await Promise.all(this.#loops);
  }

  async #ask(
    key: string,
    session: SessionId,
    result: PendingResult,
    signal: AbortSignal,
  ): Promise<void> {
    const { clock, random, log } = this.#ports;
    for (let tries = 1; !signal.aborted; tries += 1) {
      const until = AbortSignal.any([signal, this.#nudge.signal]);
      const answer = await this.#askOnce(session, result, until);
      if (signal.aborted) return;
      if (answer.kind === 'verdict') {
        this.#asking.delete(key);
        this.#ports.settled(key, answer.answer);
        return;
      }
      this.#ports.unanswered();
      const waitMs = backoffMs(tries, RESULT_BACKOFF, random());
      log.info({ token: result.job.token, tries, waitMs }, `No verdict yet: ${answer.reason}`);
      await clock.sleep(waitMs, until).catch(() => undefined);
    }
  }

  async #askOnce(
    session: SessionId,
    result: PendingResult,
    signal: AbortSignal,
  ): Promise<{ kind: 'verdict'; answer: VerdictAnswer } | { kind: 'later'; reason: string }> {
    const { bus, agent, boot } = this.#ports;
    const { cluster, job, outcome } = result;
    const encoded = resultMessage.encode({ boot, cluster, session, job, outcome });
    if (!encoded.ok) return { kind: 'later', reason: encoded.error };
    try {
      const options = { timeoutMs: REQUEST_MS_MAX, signal };
      const reply = resultReply.decode(
        await bus.request(resultSubject(agent), encoded.value, options),
      );
      return reply.ok ? reply.value : { kind: 'later', reason: reply.error };
    } catch (error) {
      return { kind: 'later', reason: error instanceof Error ? error.message : String(error) };
    }
  }
}
