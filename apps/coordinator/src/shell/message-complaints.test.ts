import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { expect, test } from 'vitest';
import { MessageComplaints } from './message-complaints.ts';

function named(name: string): AgentId {
  const id = agentId(name);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

test('a million bad messages are a few lines, however many names they come under, and a later one is told again', () => {
  let nowMs = 0;
  const lines: object[] = [];
  const nothing = () => undefined;
  const log = {
    debug: nothing,
    info: nothing,
    error: nothing,
    warn: (of: object) => lines.push(of),
  };
  const complaints = new MessageComplaints(log, { monotonicMs: () => nowMs });
  for (let n = 0; n < 1_000; n += 1) complaints.warn(named('a1'), { problem: 'not JSON' }, 'no');
  expect(lines).toHaveLength(10);
  expect(lines[0]).toEqual({ agent: 'a1', problem: 'not JSON' });
  for (let n = 0; n < 5_000; n += 1) complaints.warn(named(`b${n}`), {}, 'no');
  for (let n = 0; n < 100; n += 1) complaints.warn(null, {}, 'no');
  expect(lines).toHaveLength(100);
  nowMs = 30_000;
  complaints.warn(named('a1'), {}, 'again');
  expect(lines).toHaveLength(101);
});
