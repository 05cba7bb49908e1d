import type { Result } from '@podctl/domain/result.ts';
import {
  type AgentCredential,
  readAgentCredential,
  writeAgentCredential,
} from '@podctl/platform/agent-credential.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { JoinProblem } from '@podctl/platform/enrolment-client.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { Service } from '@podctl/platform/service.ts';
import {
  afterFailedRenewal,
  type RenewalPlan,
  renewalPlan,
  renewalProblem,
} from '../core/credential-renewal.ts';

export interface CredentialRenewalPorts {
  readonly path: string;
  /** What the file held at the start. */
  readonly credential: AgentCredential;
  readonly renew: (
    credential: AgentCredential,
    signal: AbortSignal,
  ) => Promise<Result<AgentCredential, JoinProblem>>;
  /** A new one is in the file. */
  readonly renewed: (credential: AgentCredential) => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** The wall clock may be set, and a machine may sleep: looked at so often at least. */
const LOOK_MS_MAX = 3_600_000;

/** Renews the agent's credential in time. The file always holds one that is whole, the newest. */
export class CredentialRenewal implements Service {
  readonly name = 'credential renewal';
  readonly #ports: CredentialRenewalPorts;
  readonly #stopping = new AbortController();
  #credential: AgentCredential;
  #plan: RenewalPlan;
  #failures = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(ports: CredentialRenewalPorts) {
    this.#ports = ports;
    this.#credential = ports.credential;
    this.#plan = renewalPlan(ports.credential, ports.random());
  }

  /** The newest. */
  get credential(): AgentCredential {
    return this.#credential;
  }

  /** What people must be told; null: nothing. */
  get problem(): string | null {
    return renewalProblem(this.#plan, this.#ports.clock.wallMs());
  }

  /** Since the start. */
  get failures(): number {
    return this.#failures;
  }

  async start(): Promise<void> {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const waitMs = this.#plan.dueMs - clock.wallMs();
      if (waitMs > 0)
        await clock.sleep(Math.min(waitMs, LOOK_MS_MAX), signal).catch(() => undefined);
      else await this.#renew(signal);
    }
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { path, renew, clock, log, random } = this.#ports;
    try {
      const inFile = readAgentCredential(path);
      // The machine joined anew meanwhile.
      if (inFile.ok && inFile.value !== null && inFile.value.issuedMs > this.#credential.issuedMs) {
        this.#adopt(inFile.value);
        return;
      }
      const renewed = await renew(this.#credential, signal);
      if (!renewed.ok) throw new Error(renewed.error.sentence);
      await writeAgentCredential(path, renewed.value);
      this.#adopt(renewed.value);
      log.info({ expiresMs: renewed.value.expiresMs }, 'The credential of this agent was renewed');
    } catch (error) {
      if (signal.aborted) return;
      const sentence = error instanceof Error ? error.message : String(error);
      this.#failures += 1;
      this.#plan = afterFailedRenewal(this.#plan, sentence, clock.wallMs(), random());
      log.warn({ reason: sentence }, 'The credential of this agent was not renewed; trying again');
    }
  }

  #adopt(credential: AgentCredential): void {
    this.#credential = credential;
    this.#plan = renewalPlan(credential, this.#ports.random());
    this.#ports.renewed(credential);
  }
}
