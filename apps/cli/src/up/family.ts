import { join } from 'node:path';
import type { AppKey } from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import type { Endpoint } from '@podctl/platform/endpoint.ts';
import { type App, appCharge } from './app-charge.ts';
import { agentBootstrap, appScript, coordinatorBootstrap, type NatsAccess } from './bootstrap.ts';
import type { DataFolder } from './data-folder.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { embeddedNats, natsCredentials } from './nats-server.ts';
import { type Charge, SupervisedChild, type SupervisionSink } from './supervised-child.ts';
import type { Toolchain } from './toolchain.ts';

export interface FamilyPlan {
  readonly data: DataFolder;
  readonly settings: Settings;
  readonly toolchain: Toolchain;
  /** Descriptor of the data folder's lock: it stays taken until the last child is gone. */
  readonly lockFd: number;
}

/** An agent hands its work back first; with nats-server's, all of it together stays below 10 s. */
const GRACE_MS = { coordinator: 2_500, agent: 5_500 } as const;
const READY_MS_MAX = { coordinator: 30_000, agent: 60_000 } as const;

/**
 * nats-server, coordinator and agent: started in this order, each ready before the next, and stopped in the other.
 * Each is started again when it dies; none outlives this process, however it ends.
 */
export class Family {
  readonly #plan: FamilyPlan;
  readonly #sink: SupervisionSink;
  readonly #started: SupervisedChild[] = [];
  readonly #logs: LogFile[] = [];

  constructor(plan: FamilyPlan, sink: SupervisionSink) {
    this.#plan = plan;
    this.#sink = sink;
  }

  /** Resolves when all are ready, with where the coordinator listens. What was started before an error stays until `stop`. */
  async start(signal: AbortSignal): Promise<Endpoint> {
    const { settings, toolchain } = this.#plan;
    const { url } = settings.nats;
    const access =
      url === null
        ? await this.#startNats(signal)
        : () => ({ natsUrl: url, natsUser: null, natsPassword: null });
    const coordinator = this.#app('coordinator', (before) =>
      coordinatorBootstrap(settings, access(), before),
    );
    await this.#startOne(coordinator.charge, signal);
    const agent = this.#app('agent', (before) =>
      agentBootstrap(settings, access(), toolchain.python, before),
    );
    await this.#startOne(agent.charge, signal);
    return coordinator.endpoint() ?? { grpc: '', http: '' };
  }

  /** Newest first. Safe at any time, also twice. */
  async stop(): Promise<void> {
    for (const child of [...this.#started].reverse()) await child.stop();
    for (const log of this.#logs) await log.close();
  }

  /** KILL to all of them, now. */
  kill(): void {
    for (const child of this.#started) child.kill();
  }

  async #startNats(signal: AbortSignal): Promise<() => NatsAccess> {
    const { data, lockFd, settings, toolchain } = this.#plan;
    const credentials = await natsCredentials(data.nats);
    const place = {
      program: toolchain.natsServer,
      folder: data.nats,
      storeLimitBytes: settings.nats.storeLimitBytes,
      lockFd,
      log: this.#logTo('nats-server'),
    };
    const nats = embeddedNats(place, credentials);
    await this.#startOne(nats.charge, signal);
    const { user, password } = credentials;
    return () => ({ natsUrl: nats.url(), natsUser: user, natsPassword: password });
  }

  #app(key: AppKey, bootstrap: (before: Endpoint | null) => object): App {
    return appCharge({
      name: `the ${key}`,
      key,
      script: appScript(key),
      folder: this.#plan.data.run,
      lockFd: this.#plan.lockFd,
      log: this.#logTo(key),
      graceMs: GRACE_MS[key],
      readyMsMax: READY_MS_MAX[key],
      bootstrap,
    });
  }

  #logTo(key: string): (line: string) => void {
    const log = openLogFile(join(this.#plan.data.logs, `${key}.log`));
    this.#logs.push(log);
    return (line) => log.write(line);
  }

  async #startOne(charge: Charge, signal: AbortSignal): Promise<void> {
    const child = new SupervisedChild(charge, this.#sink);
    this.#started.push(child);
    await child.start(signal);
  }
}
