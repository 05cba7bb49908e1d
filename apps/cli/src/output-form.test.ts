import { expect, test } from 'vitest';
import { hasWatchFlag, outputFlag, outputOfEnvironment } from './output-form.ts';

test('the form is found however -o is written, and not behind --', () => {
  for (const words of [['-o', 'csv'], ['-ocsv'], ['-o=csv'], ['--output', 'csv'], ['--output=csv']])
    expect(outputFlag(['list', ...words])).toBe('csv');
  expect(outputFlag(['--', '-o', 'csv'])).toBeNull();
});

test('-w is found alone, whole, and among other letters', () => {
  expect([['-w'], ['--watch'], ['-qw']].map(hasWatchFlag)).toEqual([true, true, true]);
  expect([['--wide'], ['--', '-w'], ['-o', 'wide']].map(hasWatchFlag)).toEqual([
    false,
    false,
    false,
  ]);
});

test('the variable counts only where the command knows the form', () => {
  expect(outputOfEnvironment('csv', ['json', 'csv'])).toBe('csv');
  expect(outputOfEnvironment('csv', ['json', 'yaml'])).toBeNull();
  expect(outputOfEnvironment(undefined, ['json'])).toBeNull();
});
