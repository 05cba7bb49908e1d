import type { Kv, KvEntry, Tail, TailSink, TailState } from '@podctl/platform/kv.ts';
import type { SimNetwork } from './network.ts';
import type { SimProcess } from './process.ts';

/** The twin's tail at the far end of a network: the same calls in the same order, later, and not while the process is paused. */
export class SimTail implements Tail {
  readonly #process: SimProcess;
  readonly #network: SimNetwork;
  readonly #tail: Tail;
  readonly #underway: (() => void)[] = [];
  #revision = 0;
  #isStopped = false;
  #isCarrying = false;

  constructor(kv: Kv, process: SimProcess, network: SimNetwork, sink: TailSink) {
    this.#process = process;
    this.#network = network;
    this.#tail = kv.tail({
      entry: (entry: KvEntry) =>
        this.#carry(() => {
          this.#revision = entry.revision;
          sink.entry(entry);
        }),
      current: (revision) => this.#carry(() => sink.current(revision)),
    });
  }

  start(): Promise<void> {
    return this.#tail.start();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#underway.length = 0;
    await this.#tail.stop();
  }

  state(): TailState {
    const state = this.#tail.state();
    const silentMs = this.#network.time.nowMs - state.heardAtMs;
    const heardAtMs = this.#process.clock.monotonicMs() - silentMs;
    return { ...state, revision: this.#revision, heardAtMs };
  }

  #carry(call: () => void): void {
    this.#underway.push(call);
    if (this.#isCarrying) return;
    this.#isCarrying = true;
    this.#network.time.after(this.#network.delayMs(), () =>
      this.#process.enter(() => {
        this.#isCarrying = false;
        if (this.#isStopped) return;
        for (const next of this.#underway.splice(0)) next();
      }),
    );
  }
}
