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
  const meant = meantBy(plain, names);
  const next =
    meant === null ? 'run "podctl help" for the commands' : `did you mean "podctl ${meant}"?`;
  return {
    sentence: `there is no command "${saidOf(plain, names)}"; ${next}${meant === null ? '.' : ''}`,
    exitCode: NO_SUCH_COMMAND,
  };
}

/** The command or topic that was meant: by its whole name, else by its first word, else one that ends with the words. */
function meantBy(plain: readonly string[], names: readonly string[]): string | null {
  for (let count = plain.length; count > 0; count -= 1) {
    const said = plain.slice(0, count).join(' ');
    const prefixes = names.map((name) => name.split(' ').slice(0, count).join(' '));
    const meant = nearest(said, [...new Set(prefixes)]);
    if (meant !== null) return meant;
  }
  const [first = ''] = plain;
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
