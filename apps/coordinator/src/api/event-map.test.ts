import type { AgentId } from '@podctl/domain/ids.ts';
import { eventRecord } from '@podctl/platform/event-record.ts';
import { expect, test } from 'vitest';
import { eventToStore } from '../shell/event-record.ts';
import type { LoggedEvent } from '../shell/fleet.ts';
import { archivedEventMessage, eventMessage } from './event-map.ts';

const origin = { cluster: 'c1', coordinator: 'one' };
const other = { cluster: 'c1', coordinator: 'two' };

function event(revision: number | null): LoggedEvent {
  return {
    ...{ sequence: 5, revision, atMs: 1_000, type: 'agent_lost', feed: null, episode: null },
    ...{ stage: null, agent: 'gpu-1' as AgentId, title: '', message: 'silent for 30 s' },
  };
}

test('an event has one id: while it is watched, once it is stored, and after its coordinator is another one', () => {
  for (const revision of [7, null]) {
    const seen = event(revision);
    const { id, data } = eventToStore(seen, origin);
    const record = eventRecord.decode(data);
    if (!record.ok) throw new Error(record.error);
    const stored = { ...record.value, sequence: 99, id };
    expect(archivedEventMessage(stored).eventId).toBe(id);
    expect(eventMessage(seen, origin).eventId).toBe(id);
    expect(eventMessage({ ...seen, id }, other).eventId).toBe(id);
  }
  expect(eventMessage(event(7), other).eventId).toBe(eventMessage(event(7), origin).eventId);
  expect(eventMessage(event(null), other).eventId).not.toBe(
    eventMessage(event(null), origin).eventId,
  );
});
