import { type AgentCredential, readAgentCredential } from '@podctl/platform/agent-credential.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { renewCredential } from '@podctl/platform/enrolment-client.ts';
import type { HealthCheck } from '@podctl/platform/health-server.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { Metrics } from '@podctl/platform/metrics.ts';
import type { Service } from '@podctl/platform/service.ts';
import { ByteDispatcher } from './byte-dispatcher.ts';
import { credentialMetrics } from './credential-metrics.ts';
import { CredentialRenewal } from './credential-renewal.ts';

export interface MembershipPorts {
  /** Null: of an agent that never joined, on the machine of its coordinator. */
  readonly credentialFile: string | null;
  readonly agent: string;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** What the agent shows who it is with, always the newest: to coordinators, and to who asks for its metrics. */
export class Membership implements Service {
  readonly name = 'membership';
  readonly dispatcher: ByteDispatcher;
  readonly #renewal: CredentialRenewal | null;

  /** Throws SettingsError: the file is not there, or of no use. */
  constructor({ credentialFile: path, metrics, agent, ...ports }: MembershipPorts) {
    const credential = path === null ? null : credentialIn(path);
    this.dispatcher = new ByteDispatcher(credential);
    this.#renewal =
      path === null || credential === null
        ? null
        : new CredentialRenewal({
            ...{ path, credential, ...ports },
            renew: (old, signal) => renewCredential(old, signal, ports.clock),
            renewed: (renewed) => this.dispatcher.use(renewed),
          });
    if (this.#renewal !== null) credentialMetrics({ metrics, agent, renewal: this.#renewal });
  }

  async start(): Promise<void> {
    await this.#renewal?.start();
  }

  async stop(): Promise<void> {
    await this.#renewal?.stop();
    await this.dispatcher.stop();
  }

  /** Why the agent may soon be out of the fleet; null: it is not. */
  get problem(): string | null {
    return this.#renewal?.problem ?? null;
  }

  /** The newest; null: it never joined. */
  get credential(): AgentCredential | null {
    return this.#renewal?.credential ?? null;
  }

  checks(): readonly HealthCheck[] {
    if (this.#renewal === null) return [];
    const { problem } = this;
    const until = new Date(this.#renewal.credential.expiresMs).toISOString();
    return [{ name: 'credential', ok: problem === null, detail: problem ?? `good until ${until}` }];
  }
}

function credentialIn(path: string): AgentCredential {
  const credential = readAgentCredential(path);
  if (!credential.ok) throw new SettingsError(credential.error);
  if (credential.value === null)
    throw new SettingsError(`${path} is not there: let this machine join anew with a fresh token`);
  return credential.value;
}
