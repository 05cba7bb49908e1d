import { nearest } from '@podctl/platform/config/settings-error.ts';

/** As a shell says it of a program. */
const NO_SUCH_COMMAND = 127;
const USAGE = 2;

export interface UnknownCommand {
  readonly sentence: string;
  readonly exitCode: number;
}

/**
 * What to say of a command that is not there.
 *
 * @param words the command line; flags and values of the command that was meant may be among them.
 * @param names of all commands, such as `feed list`.
 */
export function unknownCommand(words: readonly string[], names: readonly string[]): UnknownCommand {
  const [first = ''] = words;
  if (first.startsWith('-'))
    return {
      sentence: `${first} is no flag that may stand before a command; run "podctl help" for the commands, and put its own flags behind the command.`,
      exitCode: USAGE,
    };
  const end = words.findIndex((word) => word.startsWith('-'));
  const plain = (end === -1 ? words : words.slice(0, end)).slice(0, 3);
  const whole = commandBefore(plain, names);
  if (whole !== null)
    return {
      sentence: `"podctl ${whole}" takes no argument; "podctl ${whole} --help" shows what it takes.`,
      exitCode: USAGE,
    };
  const meant = meantBy(plain, names);
  const next =
    meant === null
      ? `${helpFor(plain, names)} for the commands.`
      : `did you mean "podctl ${meant}"?`;
  return {
    sentence: `there is no command "${saidOf(plain, names)}"; ${next}`,
    exitCode: NO_SUCH_COMMAND,
  };
}

/** oclif takes a word behind a command without arguments for a part of its name. */
function commandBefore(plain: readonly string[], names: readonly string[]): string | null {
  for (let count = plain.length - 1; count > 0; count -= 1) {
    const said = plain.slice(0, count).join(' ');
    if (names.includes(said)) return said;
  }
  return null;
}

function helpFor(plain: readonly string[], names: readonly string[]): string {
  const [first = ''] = plain;
  return isTopic(first, names) ? `run "podctl help ${first}"` : 'run "podctl help"';
}

function isTopic(word: string, names: readonly string[]): boolean {
  return names.some((name) => name.startsWith(`${word} `));
}

/** The command or topic that was meant: by its whole name, else by its first word, else one that ends with the words. */
function meantBy(plain: readonly string[], names: readonly string[]): string | null {
  const [first = ''] = plain;
  const isOfTopic = isTopic(first, names);
  // A topic that is there was not mistyped.
  const among = isOfTopic ? names.filter((name) => name.startsWith(`${first} `)) : names;
  for (let count = plain.length; count > (isOfTopic ? 1 : 0); count -= 1) {
    const said = plain.slice(0, count).join(' ');
    const prefixes = among.map((name) => name.split(' ').slice(0, count).join(' '));
    const meant = nearest(said, [...new Set(prefixes)]);
    if (meant !== null) return meant;
  }
  if (isOfTopic) return null;
  const same = names.filter((name) => name.endsWith(` ${first}`));
  return same.length === 1 ? (same[0] ?? null) : null;
}

/** The words up to the first one that belongs to no command. */
function saidOf(plain: readonly string[], names: readonly string[]): string {
  for (let count = 1; count < plain.length; count += 1) {
    const said = plain.slice(0, count).join(' ');
    if (!names.some((name) => name.startsWith(`${said} `))) return said;
  }
  return plain.join(' ');
}
