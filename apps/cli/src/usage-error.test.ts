import { expect, test } from 'vitest';
import { usageSentence } from './usage-error.ts';

const command = { name: 'lock release', flags: ['json', 'output', 'token', 'yes'] };
const said = (message: string) =>
  usageSentence(`${message}\nSee more help with --help`, command) ?? '';

test('a flag that is not there: the one that was meant, else the help', () => {
  expect(said('Nonexistent flag: --jsn')).toBe('there is no flag --jsn here; did you mean --json?');
  expect(said('Nonexistent flag: --frobnicate')).toBe(
    'there is no flag --frobnicate here; "podctl lock release --help" shows what it takes',
  );
});

test('the value behind a wrong flag, and an argument too many, are not shown: they may be private', () => {
  expect(said('Nonexistent flag: --tokn=secret')).not.toContain('secret');
  expect(said('Unexpected argument: secret')).toBe(
    '"podctl lock release" was given more than it takes; "podctl lock release --help" shows what it takes',
  );
});

test('what is missing is named', () => {
  expect(said('Missing 1 required arg:\nstage  (download|transcribe) its stage')).toBe(
    '"podctl lock release" needs STAGE; "podctl lock release --help" shows what it takes',
  );
  expect(said('The following error occurred:\n  \u001b[2mMissing required flag to\u001b[22m')).toBe(
    '--to is missing; "podctl lock release --help" shows what it takes',
  );
  expect(said('Flag --token expects a value')).toContain('--token is followed by no value; ');
});

test('of a choice that is none, all are named', () => {
  expect(said('Expected --output=xxxxx to be one of: table, json,\n yaml')).toBe(
    '--output is "xxxxx"; expected one of table, json, yaml',
  );
  expect(said('Expected now to be one of: download, transcribe')).toBe(
    '"now" is no choice here; expected one of download, transcribe',
  );
});

test('of two flags that exclude each other, both are named', () => {
  expect(
    said(
      'The following error occurred:\n  --quiet=true cannot also be provided when using --verbose',
    ),
  ).toContain('--quiet does not go together with --verbose; ');
});

test('what is not known is left to oclif', () => {
  expect(usageSentence('something else', command)).toBeNull();
});
