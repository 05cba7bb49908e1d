import type { MetricFamily } from '../metrics.ts';
import type { NatsLink } from './connection.ts';

/** The connection's rows, as of one scrape. */
export function natsFamilies(
  component: string,
  link: Pick<NatsLink, 'isConnected' | 'counts'>,
): MetricFamily[] {
  const row = (value: number) => [{ labels: { component }, value }];
  return [
    {
      name: 'podctl_nats_connected',
      type: 'gauge',
      help: 'Whether this process is connected to NATS.',
      samples: row(link.isConnected() ? 1 : 0),
    },
    {
      name: 'podctl_nats_reconnects_total',
      type: 'counter',
      help: 'Connections to NATS after the first.',
      samples: row(link.counts().reconnects),
    },
  ];
}
