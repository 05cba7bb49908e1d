import type { Metrics } from '@podctl/platform/metrics.ts';
import type { RefusalReason } from '../core/byte-access.ts';

/** `in` is what agents send, `out` what they fetch. */
export type ByteDirection = 'in' | 'out';

export interface ByteMetrics {
  moved(direction: ByteDirection, bytes: number): void;
  active(direction: ByteDirection, count: number): void;
  refused(reason: RefusalReason): void;
  /** URLs with which agents reach the library's store themselves. */
  signed(direction: ByteDirection, count: number): void;
}

export function byteMetrics(page: Metrics): ByteMetrics {
  const bytes = page.counter({
    name: 'podctl_transfer_bytes_total',
    help: 'Bytes of artifacts that agents moved through this coordinator.',
    labels: ['direction'],
  });
  const active = page.gauge({
    name: 'podctl_transfers_active',
    help: 'Transfers of artifacts that run now.',
    labels: ['direction'],
  });
  const signed = page.counter({
    name: 'podctl_transfer_urls_total',
    help: 'URLs that this coordinator gave to agents, for one file in the library’s S3 bucket each.',
    labels: ['direction'],
  });
  const refused = page.counter({
    name: 'podctl_transfers_refused_total',
    help: 'Transfers that were refused or cut off by this coordinator.',
    labels: ['reason'],
  });
  return {
    moved: (direction, count) => bytes.add({ direction }, count),
    active: (direction, count) => active.set({ direction }, count),
    refused: (reason) => refused.add({ reason }),
    signed: (direction, count) => signed.add({ direction }, count),
  };
}
