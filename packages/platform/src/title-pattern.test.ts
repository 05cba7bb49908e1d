import { expect, test } from 'vitest';
import { titlePattern } from './title-pattern.ts';

test.each([
  ['выпуск', 'ВЫПУСК 3', true],
  ['^#\\d+', '#12 The end', true],
  ['^#\\d+', 'The end of #12', false],
  ['rerun|best of', 'Best of 2025', true],
])('%s in %s: %s', (expression, title, found) => {
  const pattern = titlePattern(expression);
  expect(pattern.ok && pattern.value(title)).toBe(found);
});

test('an expression that holds others up for hours is through at once', () => {
  const pattern = titlePattern('(a+)+$');
  expect(pattern.ok && pattern.value(`${'a'.repeat(10_000)}b`)).toBe(false);
});

test.each(['(unclosed', '(?=x)', '(a)\\1', 'x'.repeat(201), '((a|b|c|d|e|.){0,60}x){12}'])(
  'refuses %s in one sentence that does not quote it',
  (expression) => {
    const pattern = titlePattern(expression);
    expect(pattern.ok).toBe(false);
    if (!pattern.ok) expect(pattern.error).not.toContain(expression.slice(0, 20));
  },
);
