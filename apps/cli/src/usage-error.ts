import { stripVTControlCharacters } from 'node:util';
import { nearest } from '@podctl/platform/config/settings-error.ts';

/** The command whose line is wrong. */
export interface MeantCommand {
  /** As people type it, without the program: `feed list`. */
  readonly name: string;
  /** Without their dashes. */
  readonly flags: readonly string[];
}

/**
 * What oclif says of a wrong command line, as one sentence with one next step; it would print all of the help behind
 * its own. Null for what is not known here.
 */
export function usageSentence(message: string, { name, flags }: MeantCommand): string | null {
  const said = stripVTControlCharacters(message)
    .replace(/\n*See more help with --help\s*$/, '')
    .trim();
  const help = `"podctl ${name} --help" shows what it takes`;
  const unknown = /^Nonexistent flags?: (.+)$/.exec(said)?.[1];
  if (unknown !== undefined) return unknownFlag(unknown, flags, help);
  // Not which one: it may be private.
  if (/^Unexpected arguments?: /.test(said))
    return `"podctl ${name}" was given more than it takes; ${help}`;
  const missing = /^Missing \d+ required args?:\n([\s\S]+)$/.exec(said)?.[1];
  if (missing !== undefined)
    return `"podctl ${name}" needs ${argumentsIn(missing).join(' and ')}; ${help}`;
  const choice = /^Expected (--\S+?=)?([\s\S]*) to be one of: ([\s\S]+)$/.exec(said);
  if (choice !== null) return wrongChoice(choice);
  const reasons = /^The following errors? occurred:\s+([\s\S]+)$/.exec(said)?.[1];
  if (reasons !== undefined) return `${reasonsIn(reasons).join('; ')}; ${help}`;
  const valueless = /^Flag (--\S+) expects (?:a value|one of these values: (.+))$/.exec(said);
  if (valueless !== null)
    return `${valueless[1]} is followed by no value; ${valueless[2] === undefined ? help : `give one of ${valueless[2]}`}`;
  return null;
}

function unknownFlag(listed: string, flags: readonly string[], help: string): string {
  const [first = '', ...others] = listed.split(', ').map((flag) => flag.replace(/=.*$/s, ''));
  const meant = first.startsWith('--') ? nearest(first.slice(2), flags) : null;
  const named = [first, ...others].join(', ');
  return `there is no flag ${named} here; ${meant === null || others.length > 0 ? help : `did you mean --${meant}?`}`;
}

/** A line each: its name, then what it is. */
function argumentsIn(text: string): readonly string[] {
  const lines = text.split('\n\n')[0]?.split('\n') ?? [];
  return lines.flatMap((line) => /^(\S+)/.exec(line)?.[1] ?? []).map((name) => name.toUpperCase());
}

function wrongChoice([, flag = '', given = '', listed = '']: RegExpExecArray): string {
  const seen = JSON.stringify(given);
  const where = flag === '' ? `${seen} is no choice here` : `${flag.slice(0, -1)} is ${seen}`;
  return `${where}; expected one of ${listed.replace(/\s+/g, ' ').trim()}`;
}

function reasonsIn(text: string): readonly string[] {
  return text.split('\n').map((line) =>
    line
      .trim()
      .replace(/^Missing required flag (\S+)$/, '--$1 is missing')
      .replace(/=\S* cannot also be provided when using /, ' does not go together with '),
  );
}
