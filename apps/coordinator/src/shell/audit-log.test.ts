import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { type AuditAction, AuditLog } from './audit-log.ts';

test('of refusals without end some are told, the next line says how many were not, and all are counted', async () => {
  const clock = new ManualClock();
  const lines: { readonly left_out?: number }[] = [];
  const counted: AuditAction[] = [];
  const say = (fields: object) => lines.push(fields);
  const log = { debug: say, info: say, warn: say, error: say };
  const audit = new AuditLog(log, clock, (action) => counted.push(action));
  for (let n = 0; n < 1_000; n += 1)
    audit.note('token_refused', { reason: 'unknown', from: `10.0.0.${n % 100}` });
  expect(lines).toHaveLength(50);
  // Refusals keep nothing else out.
  audit.note('token_made', { by: 'ann' });
  expect(lines.at(-1)).toEqual({ audit: 'token_made', by: 'ann' });
  await clock.advance(1_000);
  audit.note('token_refused', { reason: 'unknown' });
  expect(lines.at(-1)).toEqual({ audit: 'token_refused', reason: 'unknown', left_out: 950 });
  await clock.advance(1_000);
  audit.note('token_refused', { reason: 'unknown' });
  expect(lines.at(-1)).not.toHaveProperty('left_out');
  expect(counted).toHaveLength(1_003);
});

test('one address that knocks without end does not hide the refusals of others', () => {
  const lines: { readonly from?: string }[] = [];
  const say = (fields: object) => lines.push(fields);
  const log = { debug: say, info: say, warn: say, error: say };
  const audit = new AuditLog(log, new ManualClock(), () => {});
  for (let n = 0; n < 1_000; n += 1) audit.note('token_refused', { from: '10.0.0.1' });
  expect(lines).toHaveLength(20);
  audit.note('token_refused', { from: '10.0.0.2' });
  expect(lines.at(-1)).toMatchObject({ from: '10.0.0.2', left_out: 980 });
  audit.note('credential_refused', { from: '10.0.0.1' });
  expect(lines).toHaveLength(22);
});
