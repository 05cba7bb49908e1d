import type { AgentCredential } from '@podctl/platform/agent-credential.ts';
import type { Metrics } from '@podctl/platform/metrics.ts';

export interface CredentialMetricsOptions {
  readonly metrics: Metrics;
  readonly agent: string;
  readonly renewal: {
    readonly credential: Pick<AgentCredential, 'expiresMs'>;
    readonly failures: number;
  };
}

export function credentialMetrics({ metrics, agent, renewal }: CredentialMetricsOptions): void {
  const labels = { agent };
  metrics.addSource(() => [
    {
      name: 'podctl_agent_credential_expires_timestamp_seconds',
      type: 'gauge',
      help: 'When the credential of this agent ends, unless it is renewed before.',
      samples: [{ labels, value: renewal.credential.expiresMs / 1_000 }],
    },
    {
      name: 'podctl_agent_credential_renewals_failed_total',
      type: 'counter',
      help: 'Attempts to renew the credential of this agent that brought none.',
      samples: [{ labels, value: renewal.failures }],
    },
  ]);
}
