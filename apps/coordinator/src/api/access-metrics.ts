import type { MetricFamily, Metrics } from '@podctl/platform/metrics.ts';
import type { AccessBook } from '../shell/access-book.ts';
import { AUDIT_ACTIONS, type AuditAction } from '../shell/audit-log.ts';
import type { NatsRevocations } from '../shell/nats-revocations.ts';

/** Counts what the audit log tells, by action; also what it leaves out. */
export function accessMetrics(page: Metrics): (action: AuditAction) => void {
  const events = page.counter({
    name: 'podctl_access_events_total',
    help: 'Tokens and credentials that were made, used, refused, renewed or revoked here.',
    labels: ['action'],
  });
  for (const action of AUDIT_ACTIONS) events.add({ action }, 0);
  return (action) => events.add({ action });
}

/** @param revocations null where NATS asks for no credential of ours. */
export function accessFamilies(
  book: Pick<AccessBook, 'unreadable'>,
  revocations: Pick<NatsRevocations, 'pending'> | null,
): readonly MetricFamily[] {
  const gauge = (name: string, help: string, value: number): MetricFamily => ({
    ...{ name, type: 'gauge', help },
    samples: [{ labels: {}, value }],
  });
  const unreadable = gauge(
    'podctl_access_unreadable_records',
    'Records of who is let in that this version cannot read; they let nobody in.',
    book.unreadable,
  );
  if (revocations === null) return [unreadable];
  const pending = gauge(
    'podctl_revocations_pending',
    'Revoked keys that not every NATS server was seen to refuse.',
    revocations.pending(),
  );
  return [unreadable, pending];
}
