import { expect, test } from 'vitest';
import { unknownCommand } from './unknown-command.ts';

const names = ['feed list', 'feed add', 'agent token create', 'status', 'watch', 'lock release'];
const said = (line: string) => unknownCommand(line.split(' '), names).sentence;

test('the nearest command is named, by its whole name, its topic, or its last word', () => {
  expect(said('stauts')).toBe('there is no command "stauts"; did you mean "podctl status"?');
  expect(said('feed lst')).toContain('did you mean "podctl feed list"?');
  expect(said('fed list --json')).toContain('did you mean "podctl feed list"?');
  expect(said('agent tokn create')).toContain('did you mean "podctl agent token create"?');
  expect(said('release k7qm')).toContain('did you mean "podctl lock release"?');
});

test('only the words up to the wrong one are named: a value after it may be private', () => {
  expect(said('statsu https://me:secret@example.org')).not.toContain('secret');
  expect(said('feed adn https://me:secret@example.org')).toContain('no command "feed adn"');
  expect(said('feed adn https://me:secret@example.org')).not.toContain('secret');
});

test('without a near one the help is named; an unknown flag in front is a usage error', () => {
  expect(said('frobnicate')).toBe(
    'there is no command "frobnicate"; run "podctl help" for the commands.',
  );
  expect(unknownCommand(['--nope', 'status'], names)).toMatchObject({ exitCode: 2 });
  expect(unknownCommand(['nope'], names)).toMatchObject({ exitCode: 127 });
});

test('of a topic that is there, only its own commands are meant', () => {
  const all = [...names, 'lock list', 'job show'];
  expect(unknownCommand(['lock', 'show'], all).sentence).not.toContain('job');
  expect(unknownCommand(['lock', 'frobnicate'], all).sentence).toBe(
    'there is no command "lock frobnicate"; run "podctl help lock" for the commands.',
  );
});

test('a word behind a command that takes none is no unknown command, and may be private', () => {
  expect(unknownCommand(['status', 'secret'], names)).toEqual({
    sentence: '"podctl status" takes no argument; "podctl status --help" shows what it takes.',
    exitCode: 2,
  });
});
