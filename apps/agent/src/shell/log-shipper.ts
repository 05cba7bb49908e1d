import type { AgentId, ClusterId, SessionId } from '@podctl/domain/ids.ts';
import { logSubject } from '@podctl/domain/key.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { logMessage } from '@podctl/platform/wire.ts';
import type { LogTail } from '../core/log-tail.ts';

export interface LogShipping {
  readonly tail: LogTail;
  /** A message would be lost while it is not. */
  connected(): boolean;
  /** For the metrics: nothing is logged here, since each line would make another one. */
  told(lines: number, dropped: number): void;
}

export interface LogShipperPorts extends LogShipping {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly boot: string;
  /** In whose name lines are told; null while there is no session. */
  standing(): { readonly cluster: ClusterId; readonly session: SessionId } | null;
}

/** One message at most in this time: a hundred lines. */
const EVERY_MS = 1_000;

/** Tells the coordinators what the agent's log says, a batch a second, while it is connected and in a session. */
export class LogShipper {
  readonly #ports: LogShipperPorts;
  readonly #stopping = new AbortController();
  #loop: Promise<void> = Promise.resolve();

  constructor(ports: LogShipperPorts) {
    this.#ports = ports;
  }

  start(): void {
    this.#loop = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#loop;
  }

  /** Tells one batch now, where there is somebody to tell and something to say. */
  flush(): void {
    const { bus, agent, boot, tail, connected, standing, told } = this.#ports;
    const of = standing();
    if (of === null || !connected()) return;
    const batch = tail.take();
    if (batch === null) return;
    const { cluster, session } = of;
    const encoded = logMessage.encode({ boot, cluster, session, ...batch });
    if (encoded.ok) {
      bus.publish(logSubject(agent), encoded.value);
      told(batch.lines.length, batch.dropped);
    } else tail.lost(batch);
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(EVERY_MS, signal).catch(() => undefined);
      if (!signal.aborted) this.flush();
    }
  }
}
