import { agentId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, onTestFinished, test } from 'vitest';
import { type AuditAction, type AuditedCall, AuditLog } from './audit-log.ts';

interface Line {
  readonly audit?: string;
  readonly from?: string;
  readonly left_out?: number;
  readonly most_from?: readonly object[];
}

async function auditLog() {
  const clock = new ManualClock();
  const lines: Line[] = [];
  const counted: AuditAction[] = [];
  const say = (fields: object) => lines.push(fields);
  const log = { debug: say, info: say, warn: say, error: say };
  const audit = new AuditLog(log, clock, (action) => counted.push(action));
  await audit.start();
  onTestFinished(() => audit.stop());
  return { clock, lines, counted, audit };
}

const call: AuditedCall = {
  ...{ method: 'WhoAmI', name: '', role: null, from: '10.0.0.1', code: 'UNAUTHENTICATED' },
  refused: true,
};

test('of refusals without end some have a line, and within a minute one tells how many had none, and from whom', async () => {
  const { clock, lines, counted, audit } = await auditLog();
  for (let n = 0; n < 1_000; n += 1)
    audit.note('token_refused', { reason: 'unknown', from: `10.0.0.${n % 100}` });
  expect(lines).toHaveLength(50);
  // Refusals keep nothing else out.
  audit.note('token_made', { by: 'ann' });
  expect(lines.at(-1)).toEqual({ audit: 'token_made', by: 'ann' });
  await clock.advance(60_000);
  expect(lines).toHaveLength(52);
  expect(lines.at(-1)).toMatchObject({ audit: 'token_refused', left_out: 950 });
  // The first fifty of the hundred had a line each.
  expect(lines.at(-1)?.most_from).toEqual(
    [50, 51, 52, 53, 54].map((n) => ({ from: `10.0.0.${n}`, refusals: 10 })),
  );
  expect(counted).toHaveLength(1_001);
  await clock.advance(600_000);
  expect(lines).toHaveLength(52);
});

test('what was left out last is told at the stop', async () => {
  const { lines, audit, clock } = await auditLog();
  for (let n = 0; n < 25; n += 1) audit.note('token_refused', { from: '10.0.0.1' });
  await audit.stop();
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toEqual({
    audit: 'token_refused',
    left_out: 5,
    most_from: [{ from: '10.0.0.1', refusals: 5 }],
  });
  await audit.stop();
  expect(lines).toHaveLength(21);
  expect(clock.sleeping()).toBe(0);
});

test('one address that knocks without end does not hide the refusals of others', async () => {
  const { lines, audit } = await auditLog();
  for (let n = 0; n < 1_000; n += 1) audit.note('token_refused', { from: '10.0.0.1' });
  expect(lines).toHaveLength(20);
  audit.note('token_refused', { from: '10.0.0.2' });
  expect(lines.at(-1)).toMatchObject({ from: '10.0.0.2' });
  audit.note('credential_refused', { from: '10.0.0.1' });
  expect(lines).toHaveLength(22);
});

test('who shows no address is named as the agent it is', async () => {
  const { lines, audit } = await auditLog();
  const agent = agentId('box');
  if (!agent.ok) throw new Error(agent.error);
  for (let n = 0; n < 21; n += 1) audit.note('credential_refused', { agent: agent.value });
  await audit.stop();
  expect(lines.at(-1)).toMatchObject({ left_out: 1, most_from: [{ from: 'box', refusals: 1 }] });
});

test('refused calls are accounted for in the same way; calls that reach their handler have a line each', async () => {
  const { lines, counted, audit } = await auditLog();
  for (let n = 0; n < 100; n += 1) audit.noteCall(call);
  expect(lines).toHaveLength(20);
  expect(lines[0]).toEqual({
    ...{ audit: 'call', method: 'WhoAmI', name: '', role: null },
    ...{ from: '10.0.0.1', code: 'UNAUTHENTICATED' },
  });
  for (let n = 0; n < 100; n += 1)
    audit.noteCall({ ...call, name: 'ada', role: 'admin', code: 'OK', refused: false });
  expect(lines).toHaveLength(120);
  await audit.stop();
  expect(lines.at(-1)).toMatchObject({ audit: 'call', left_out: 80 });
  // The API counts its calls itself.
  expect(counted).toEqual([]);
});
