import { expect, test } from 'vitest';
import { deathSentence } from './last-words.ts';

const entry = (level: string, msg: string) => JSON.stringify({ level, msg });
const ended = (code: number | null, stderrTail: string, signal: NodeJS.Signals | null = null) =>
  deathSentence('the coordinator', { code, signal, stderrTail });

test('what was killed is told by the signal, without last words', () => {
  expect(ended(null, entry('info', 'ready'), 'SIGKILL')).toBe(
    'the coordinator was ended by SIGKILL',
  );
  expect(ended(137, 'Killed\n')).toBe('the coordinator was ended by SIGKILL');
});

test('a line that is only information is nobody’s last word', () => {
  const tail = `${entry('error', 'the disk is full.')}\n${entry('info', 'NATS is closed')}\n`;
  expect(ended(70, tail)).toBe('the coordinator ended with code 70: the disk is full');
  expect(ended(70, entry('info', 'ready'))).toBe('the coordinator ended with code 70');
  expect(ended(3, '[7] 2026/03/19 06:30:00.000000 [INF] Server is ready')).toBe(
    'the coordinator ended with code 3',
  );
});

test('a sentence that an app of ours ended with is told without its code and grpc’s tail', () => {
  const told = (sentence: string) => ended(1, entry('error', sentence));
  expect(told('127.0.0.1:7070 is taken; set coordinator.grpc.listen')).toBe(
    'the coordinator cannot run: 127.0.0.1:7070 is taken; set coordinator.grpc.listen',
  );
  expect(told('it is taken (No address added out of total 1 resolved)')).toBe(
    'the coordinator cannot run: it is taken',
  );
  expect(ended(1, 'no disk')).toBe('the coordinator ended with code 1: no disk');
});
