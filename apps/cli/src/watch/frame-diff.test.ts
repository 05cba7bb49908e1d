import { expect, test } from 'vitest';
import { changedLines } from './frame-diff.ts';

test('the first frame clears the screen and draws every line', () => {
  expect(changedLines(null, ['a', 'b'])).toBe(
    '\u001b[H\u001b[2J\u001b[1;1H\u001b[2Ka\u001b[2;1H\u001b[2Kb',
  );
});

test('then only lines that differ are written, and nothing where none does', () => {
  expect(changedLines(['a', 'b', 'c'], ['a', 'x', 'c'])).toBe('\u001b[2;1H\u001b[2Kx');
  expect(changedLines(['a', 'b'], ['a', 'b'])).toBe('');
});

test('lines that are no more are cleared, and new ones drawn', () => {
  expect(changedLines(['a', 'b'], ['a'])).toBe('\u001b[2;1H\u001b[2K');
  expect(changedLines(['a'], ['a', 'b'])).toBe('\u001b[2;1H\u001b[2Kb');
});
