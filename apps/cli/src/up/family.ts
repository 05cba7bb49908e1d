import { join } from 'node:path';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import { localAgentCredentials } from '@podctl/platform/authority/nats-claims.ts';
import type { AppKey, NatsAccess, NatsIdentity } from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import type { Endpoint } from '@podctl/platform/endpoint.ts';
import { writePrivateFile } from '@podctl/platform/json-file.ts';
import { type App, appCharge } from './app-charge.ts';
import { agentBootstrap, agentIdOf, appScript, coordinatorBootstrap } from './bootstrap.ts';
import type { DataFolder } from './data-folder.ts';
import { hostsOf, isOpen, securityOf } from './fleet-security.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { natsAccess } from './nats-access.ts';
import { embeddedNats } from './nats-server.ts';
import { NatsWait } from './nats-wait.ts';
import { type Charge, SupervisedChild, type SupervisionSink } from './supervised-child.ts';
import type { Toolchain } from './toolchain.ts';

export interface FamilyPlan {
  readonly data: DataFolder;
  readonly settings: Settings;
  readonly toolchain: Toolchain;
  readonly authority: Authority;
  /** Descriptor of the data folder's lock: it stays taken until the last child is gone. */
  readonly lockFd: number;
}

/** An agent hands its work back first; with nats-server's, all of it together stays below 10 s. */
const GRACE_MS = { coordinator: 2_500, agent: 5_500 } as const;
/** Whoever stops `up` wants all of it to end now. */
const DRAIN_MS = 0;
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
    const known = await natsAccess(settings);
    const access = known === null ? await this.#startNats(signal) : () => known;
    const wait = known === null ? null : this.#natsWait(known);
    const agentId = agentIdOf(settings);
    const security = () => (isOpen(settings) ? securityOf(settings, access(), [agentId]) : null);
    const coordinator = this.#app(
      'coordinator',
      (before) => coordinatorBootstrap(settings, access(), security(), before),
      wait,
    );
    await this.#startOne(wait?.during(coordinator.charge) ?? coordinator.charge, signal);
    const isOurs = access().as.kind === 'authority';
    const as = isOurs ? await this.#agentIdentity(agentId) : access().as;
    const agent = this.#app('agent', (before) => {
      const nats = { ...access(), as };
      const place = { agentId, nats, coordinators: [], credentialFile: null };
      return agentBootstrap(settings, place, toolchain, DRAIN_MS, before);
    });
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
    const { data, lockFd, settings, toolchain, authority } = this.#plan;
    const nats = embeddedNats({
      program: toolchain.natsServer,
      folder: data.nats,
      storeLimitBytes: settings.nats.storeLimitBytes,
      listen: settings.nats.listen,
      authority,
      hosts: hostsOf(settings),
      lockFd,
      log: this.#logTo('nats-server'),
      told: (line: string) => this.#sink.told(line),
    });
    await this.#startOne(nats.charge, signal);
    const { folder, ca } = authority;
    return () => ({
      servers: [nats.url()],
      as: { kind: 'authority', folder },
      ca: ca.certPem,
    });
  }

  /** With the rights of an agent and no more, though it could read the fleet's keys here. */
  async #agentIdentity(agent: AgentId): Promise<NatsIdentity> {
    const path = join(this.#plan.data.agentState, 'nats.creds');
    await writePrivateFile(path, await localAgentCredentials(this.#plan.authority.nats, agent));
    return { kind: 'file', path };
  }

  #natsWait({ servers }: NatsAccess): NatsWait {
    return new NatsWait({
      servers,
      logPath: this.#logPath('coordinator'),
      told: (line) => this.#sink.told(line),
    });
  }

  #app(
    key: AppKey,
    bootstrap: (before: Endpoint | null) => object,
    wait: NatsWait | null = null,
  ): App {
    const log = this.#logTo(key);
    return appCharge({
      name: `the ${key}`,
      key,
      script: appScript(key),
      folder: this.#plan.data.run,
      lockFd: this.#plan.lockFd,
      log: (line) => {
        log(line);
        wait?.heard(line, performance.now());
      },
      graceMs: GRACE_MS[key],
      readyMsMax: READY_MS_MAX[key],
      bootstrap,
    });
  }

  #logTo(key: string): (line: string) => void {
    const log = openLogFile(this.#logPath(key));
    this.#logs.push(log);
    return (line) => log.write(line);
  }

  #logPath(key: string): string {
    return join(this.#plan.data.logs, `${key}.log`);
  }

  async #startOne(charge: Charge, signal: AbortSignal): Promise<void> {
    const child = new SupervisedChild(charge, this.#sink);
    this.#started.push(child);
    await child.start(signal);
  }
}
