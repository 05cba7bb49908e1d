import { setTimeout as delay } from 'node:timers/promises';
import type { Child, ChildExit } from '@podctl/platform/child/child-process.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { deathSentence } from './last-words.ts';
import { afterDeath } from './restart-policy.ts';

/** What is to be kept running. */
export interface Charge {
  readonly name: string;
  /** Starts it; called again after each death. */
  spawn(): Promise<Child>;
  /** Resolves when it can be used; rejects with the signal's reason when it died or is to stop. */
  ready(signal: AbortSignal): Promise<void>;
  /** From TERM to KILL. */
  readonly graceMs: number;
  /** How long it may take to be ready. */
  readonly readyMsMax: number;
  /** Why the charge itself ended its last child, told in place of its last words; null when it did not. */
  endedFor?(): string | null;
  /** Whether such an end is not to be mended by another start. */
  isFinal?(exit: ChildExit): boolean;
  /** Why it is not ready in time, as a sentence; null when nothing is known. */
  lateFor?(): string | null;
}

export interface SupervisionSink {
  /** One line for the person. */
  told(line: string): void;
  /** It died too often: nothing restarts it. */
  gaveUp(error: CommandError): void;
}

/**
 * One child that is started anew when it dies.
 * States: `idle` → `running` ⇄ `waiting` (for the next start) → `stopped`, from any of them, for good.
 * Never: two children at a time; a start after `stop`.
 */
export class SupervisedChild {
  readonly #charge: Charge;
  readonly #sink: SupervisionSink;
  readonly #stopping = new AbortController();
  #child: Child | null = null;
  #watching: Promise<void> = Promise.resolve();

  constructor(charge: Charge, sink: SupervisionSink) {
    this.#charge = charge;
    this.#sink = sink;
  }

  get name(): string {
    return this.#charge.name;
  }

  /** Resolves when it is ready. The first start is not repeated: a child that cannot start now is told at once. */
  async start(signal: AbortSignal): Promise<void> {
    await this.#launch(AbortSignal.any([signal, this.#stopping.signal]));
    this.#watching = this.#watch();
  }

  /** TERM, and KILL after its grace. Safe before start, during it, and twice. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error(`${this.name} is being stopped`));
    await this.#child?.stop({ graceMs: this.#charge.graceMs });
    await this.#watching;
  }

  /** KILL to its whole group, now. */
  kill(): void {
    this.#stopping.abort(new Error(`${this.name} is being stopped`));
    this.#child?.kill();
  }

  async #launch(signal: AbortSignal): Promise<Child> {
    signal.throwIfAborted();
    const child = await this.#charge.spawn();
    this.#child = child;
    const died = new AbortController();
    child.exited.then(
      (exit) => died.abort(new CommandError(EXIT.failed, deathSentence(this.name, exit))),
      () => undefined,
    );
    const late = AbortSignal.timeout(this.#charge.readyMsMax);
    try {
      await this.#charge.ready(AbortSignal.any([signal, died.signal, late]));
      return child;
    } catch (error) {
      await child.stop({ graceMs: this.#charge.graceMs });
      signal.throwIfAborted();
      if (late.aborted)
        throw new CommandError(
          EXIT.failed,
          this.#charge.lateFor?.() ??
            `${this.name} was not ready after ${this.#charge.readyMsMax / 1_000} s; its log may say why`,
        );
      throw error;
    }
  }

  async #watch(): Promise<void> {
    let quickDeaths = 0;
    let bornAtMs = Date.now();
    let sentence = '';
    while (!this.#stopping.signal.aborted) {
      if (this.#child !== null) {
        const exit = await this.#child.exited;
        sentence = this.#charge.endedFor?.() ?? deathSentence(this.name, exit);
        if (!this.#stopping.signal.aborted && this.#charge.isFinal?.(exit) === true)
          return this.#sink.gaveUp(new CommandError(EXIT.denied, sentence));
      }
      if (this.#stopping.signal.aborted) return;
      const next = afterDeath(quickDeaths, Date.now() - bornAtMs);
      if (next.kind === 'give-up') {
        const times = `${this.name} died ${next.quickDeaths} times in a row`;
        this.#sink.gaveUp(new CommandError(EXIT.failed, `${times}: ${sentence}`));
        return;
      }
      quickDeaths = next.quickDeaths;
      this.#sink.told(`${sentence}; it is started again in ${next.afterMs / 1_000} s`);
      bornAtMs = await this.#again(next.afterMs);
    }
  }

  /** Waits, starts it, and gives the time of its start. A start that fails counts as a quick death. */
  async #again(afterMs: number): Promise<number> {
    const { signal } = this.#stopping;
    let bornAtMs = Date.now();
    try {
      await delay(afterMs, undefined, { signal });
      bornAtMs = Date.now();
      await this.#launch(signal);
      if (!signal.aborted) this.#sink.told(`${this.name} runs again`);
    } catch (error) {
      // Its death, or its failure to start, is what the next turn tells.
      if (!signal.aborted && this.#child?.running !== true)
        this.#sink.told(error instanceof Error ? error.message : String(error));
    }
    return bornAtMs;
  }
}
