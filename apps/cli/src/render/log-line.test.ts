import { expect, test } from 'vitest';
import { logLines } from './log-line.ts';

const line = {
  at: '2026-03-19T06:30:00.000Z',
  level: 'info',
  agentId: 'gpu-1',
  token: '17',
  message: 'download at\u001b[31m 10 %\n',
  droppedBefore: 0,
} as const;

test('a line of a log is one line, and steers no terminal', () => {
  expect(logLines(line)).toEqual(['06:30:00Z info  gpu-1  download at [31m 10 % ']);
});

test('what is missing before it is said', () => {
  expect(logLines({ ...line, message: 'x', droppedBefore: 7 })).toEqual([
    '-- 7 lines are missing here --',
    '06:30:00Z info  gpu-1  x',
  ]);
});
