import { expect, test } from 'vitest';
import { tableOrLines } from './event-line.ts';

const lost = {
  ...({ at: '2026-11-23T08:00:43.100Z', type: 'agent-lost', feedId: '', episodeId: '' } as const),
  ...({ title: '', stage: '', agentId: 'gpu1', message: 'it fell silent' } as const),
};

test('a table of events that is too wide gives way to lines that say all', () => {
  const table = ['TIME  MESSAGE', `x${' '.repeat(70)}it fell silent`];
  expect(tableOrLines(table, [lost], 80)).toEqual([
    '2026-11-23T08:00:43Z agent-lost    [gpu1] it fell silent',
  ]);
  expect(tableOrLines(table, [lost], 200)).toBe(table);
});
