import { expect, test } from 'vitest';
import type { CordonView } from '../views/agent-map.ts';
import { cordonWords, stateCell } from './agent-words.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const cordon: CordonView = {
  ...{ kind: 'draining', reason: 'new disk', by: 'ada' },
  ...{ since: '2026-01-01T11:56:00.000Z', deadline: '2026-01-01T12:30:00.000Z' },
};

test('the state of an agent says what somebody wished, also of one that is away', () => {
  expect(stateCell({ state: 'live', cordon: null })).toBe('live');
  expect(stateCell({ state: 'drained', cordon: { ...cordon, kind: 'drained' } })).toBe('DRAINED');
  expect(stateCell({ state: 'draining', cordon: null })).toBe('DRAINING');
  expect(stateCell({ state: 'lost', cordon })).toBe('lost, DRAINING');
});

test('a cordon in words has its age, who, why, and what happens to the jobs', () => {
  expect(cordonWords(cordon, NOW_MS)).toBe(
    'draining for 4m00s, by ada: new disk; what is left goes back into the queue in 30m00s',
  );
  const late = { ...cordon, by: '', reason: '', deadline: '2026-01-01T11:59:00.000Z' };
  expect(cordonWords(late, NOW_MS)).toBe(
    'draining for 4m00s; what is left goes back into the queue now',
  );
  expect(cordonWords({ ...late, kind: 'drained', deadline: null }, NOW_MS)).toBe(
    'drained for 4m00s',
  );
});
