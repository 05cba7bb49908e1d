import { expect, test } from 'vitest';
import {
  acceptedContract,
  type CliContract,
  differences,
  presentContract,
} from './cli-contract.ts';

const accepted = acceptedContract();
let present: CliContract;

test('commands, flags and JSON fields are those that scripts rely on', { timeout: 60_000 }, () => {
  present = presentContract();
  // Meant to change? node test/contract/cli-contract.ts --accept, and a line in CHANGELOG.md.
  expect(differences(accepted, present)).toEqual([]);
});

test('what it compares is whole: every command, and the fields of each that prints JSON', () => {
  expect(Object.keys(present.commands).length).toBeGreaterThan(30);
  const printing = Object.entries(present.commands).filter(([, { output }]) => output !== null);
  expect(printing.length).toBeGreaterThan(25);
  expect(present.commands['feed list']?.output).toMatchObject({
    apiVersion: '"podctl/v1"',
    'items[].feedId': 'string',
    'items[].lastSuccessAt': 'null | string',
    'items[].state': expect.stringContaining('"stalled"'),
    nextPageToken: 'string',
  });
  // A command that takes --json and prints nothing would be a lie of its help.
  const silent = Object.entries(present.commands)
    .filter(([, { groups, without }]) => groups !== '' && !without?.split(' ').includes('json'))
    .filter(([, { output }]) => output === null);
  expect(silent.map(([name]) => name)).toEqual([]);
});

test('a field that goes, one that changes and a flag that comes each show as a difference', () => {
  const changed = structuredClone(accepted) as {
    groups: Record<string, Record<string, string>>;
    commands: Record<string, { output: Record<string, string> | null }>;
  };
  const output = changed.commands['feed list']?.output ?? {};
  delete output['items[].feedId'];
  output['items[].dead'] = 'string';
  changed.groups.GLOBAL = { ...changed.groups.GLOBAL, shiny: 'boolean' };
  expect(differences(accepted, changed as unknown as CliContract)).toEqual([
    '- command › feed list › output › items[].dead: "number"',
    '+ command › feed list › output › items[].dead: "string"',
    '- command › feed list › output › items[].feedId: "string"',
    '+ flags › GLOBAL › shiny: "boolean"',
  ]);
});
