import { expect, test } from 'vitest';
import { outputOfEnvironment, writtenFlags } from './output-form.ts';

const known = {
  output: { type: 'option', char: 'o' },
  filter: { type: 'option' },
  watch: { type: 'boolean', char: 'w' },
  all: { type: 'boolean', char: 'a' },
  quiet: { type: 'boolean', char: 'q' },
} as const;
const found = (...words: string[]) =>
  writtenFlags(words, known).map(({ name, value }) => (value === null ? name : `${name}=${value}`));

test('the form is found however -o is written, and not behind --', () => {
  for (const words of [['-o', 'csv'], ['-ocsv'], ['-o=csv'], ['--output', 'csv'], ['--output=csv']])
    expect(found('list', ...words)).toEqual(['output=csv']);
  expect(found('--', '-o', 'csv')).toEqual([]);
});

test('a flag is found alone, whole, and among other letters of the command', () => {
  expect(found('-w')).toEqual(['watch']);
  expect(found('-aw')).toEqual(['all', 'watch']);
  expect(found('-wo', 'json')).toEqual(['watch', 'output=json']);
  expect(found('-qoyaml', '--watch')).toEqual(['quiet', 'output=yaml', 'watch']);
});

test('what is the value of a flag, or none that is known, is no flag', () => {
  expect(found('-o', '-w')).toEqual(['output=-w']);
  expect(found('--filter', '--watch')).toEqual(['filter=--watch']);
  expect(found('--wide', '-xw', '-')).toEqual([]);
});

test('the variable counts only where the command knows the form', () => {
  expect(outputOfEnvironment('csv', ['json', 'csv'])).toBe('csv');
  expect(outputOfEnvironment('csv', ['json', 'yaml'])).toBeNull();
  expect(outputOfEnvironment(undefined, ['json'])).toBeNull();
});
