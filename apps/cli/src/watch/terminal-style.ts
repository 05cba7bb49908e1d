import type { Style } from '../render/watch/line.ts';

export interface StyleFlags {
  readonly ascii?: boolean | undefined;
  readonly 'no-color'?: boolean | undefined;
}

/** What the terminal can show, by its environment: colours unless NO_COLOR or dumb, ASCII where the locale has no UTF-8. */
export function terminalStyle(
  flags: StyleFlags,
  env: NodeJS.ProcessEnv,
  isTerminal: boolean,
): Style {
  // The first that is set and not empty decides, as setlocale(3) has it; none of them is the C locale.
  const locale = [env.LC_ALL, env.LC_CTYPE, env.LANG].find(
    (value) => value !== undefined && value !== '',
  );
  const hasColor =
    isTerminal && flags['no-color'] !== true && (env.NO_COLOR ?? '') === '' && env.TERM !== 'dumb';
  return {
    ascii: flags.ascii === true || (isTerminal && !/utf-?8/i.test(locale ?? '')),
    color: hasColor,
  };
}
