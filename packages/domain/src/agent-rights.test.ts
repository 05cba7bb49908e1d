import { expect, test } from 'vitest';
import { agentRights } from './agent-rights.ts';
import type { AgentId } from './ids.ts';

const one = agentRights('one' as AgentId);

test('an agent publishes what it has to tell under its own id, and nothing else', () => {
  expect(one.publish).toEqual(['hello.one', 'hb.one', 'res.one', 'log.one']);
});

test('an agent hears its own commands, the roll-call and its own inbox, and nothing else', () => {
  expect(one.subscribe).toEqual(['cmd.one', 'roll-call', '_INBOX.agent.one.>']);
});

test('no right of an agent covers a right of another whose name begins alike, but for the roll-call', () => {
  const other = agentRights('one-b' as AgentId);
  const covers = (right: string, subject: string) =>
    right === subject || (right.endsWith('>') && subject.startsWith(right.slice(0, -1)));
  const rights = [...one.publish, ...one.subscribe];
  const theirs = [...other.publish, ...other.subscribe];
  expect(theirs.filter((subject) => rights.some((right) => covers(right, subject)))).toEqual([
    'roll-call',
  ]);
});

test('no right of an agent is on the system, on a stream, or wide at its head', () => {
  for (const right of [...one.publish, ...one.subscribe])
    expect(right).toMatch(/^(?:[a-z]+\.one|roll-call|_INBOX\.agent\.one\.>)$/);
});
