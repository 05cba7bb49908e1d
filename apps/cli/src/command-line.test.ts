import { expect, test } from 'vitest';
import { commandFirst } from './command-line.ts';

const first = (line: string) => commandFirst(line.split(' ')).join(' ');

test('global flags before the command go behind it', () => {
  expect(first('-c local status')).toBe('status -c local');
  expect(first('--server x:1 feed list --limit 2')).toBe('feed list --limit 2 --server x:1');
  expect(first('--server=x:1 -q -ojson status')).toBe('status --server=x:1 -q -ojson');
  expect(first('-qo json -wojson status')).toBe('status -qo json -wojson');
  expect(first('-xq status')).toBe('-xq status');
  expect(first('--sort-by -dead --no-headers feed list')).toBe(
    'feed list --sort-by -dead --no-headers',
  );
  expect(first('--json --timeout 2s agent show gpu1')).toBe('agent show gpu1 --json --timeout 2s');
});

test('they go before what is passed through', () => {
  expect(first('-c home feed add -- -x')).toBe('feed add -c home -- -x');
});

test('what has no global flag in front, or no command behind it, stays as it is', () => {
  for (const line of [
    'status -c local',
    '--help',
    '--version',
    '-c local',
    '--nope status',
    '-q --help',
  ])
    expect(first(line)).toBe(line);
  expect(commandFirst([])).toEqual([]);
});

test('help of a command does not trip over a context', () => {
  expect(first('-c home help feed')).toBe('help feed');
});
