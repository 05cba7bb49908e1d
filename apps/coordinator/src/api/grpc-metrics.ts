import type { Metrics } from '@podctl/platform/metrics.ts';

/** Why a call or a connection was refused before anything was done for it. */
export const CALL_REFUSALS = [
  'unauthenticated',
  'failed_logins',
  'forbidden',
  'rate',
  'concurrency',
  'message_size',
  'message_form',
  'message_time',
  'metadata_size',
  'connections',
  'handshake',
] as const;

export type CallRefusal = (typeof CALL_REFUSALS)[number];

/** Counts refusals, by reason. */
export function grpcRefusals(page: Metrics): (reason: CallRefusal) => void {
  const refused = page.counter({
    name: 'podctl_grpc_refused_total',
    help: 'gRPC calls and connections that were refused before anything was done for them.',
    labels: ['reason'],
  });
  for (const reason of CALL_REFUSALS) refused.add({ reason }, 0);
  return (reason) => refused.add({ reason });
}
