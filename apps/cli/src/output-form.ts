/** How a list is printed. */
export const LIST_FORMS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'] as const;
/** How one object is printed where not as words for people. */
export const OBJECT_FORMS = ['json', 'yaml'] as const;

/** The value of `-o` or `--output` among the words before `--`. */
export function outputFlag(argv: readonly string[]): string | null {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  for (const [i, word] of words.entries()) {
    if (word === '-o' || word === '--output') return words[i + 1] ?? null;
    const match = /^(?:--output=|-o=?)(\S+)$/.exec(word);
    if (match !== null) return match[1] ?? null;
  }
  return null;
}

/** Whether `-w` or `--watch` is among the words before `--`; it may stand behind other letters, as in `-qw`. */
export function hasWatchFlag(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.some((word) => word === '--watch' || /^-[qvy]*w[qvy]*$/.test(word));
}

/**
 * The form that the environment asks for (`PODCTL_OUTPUT`), if the command knows it. Null: the command's own one. One
 * variable stands for all commands: `csv` says nothing to a command that shows one object.
 */
export function outputOfEnvironment(
  named: string | undefined,
  options: readonly string[],
): string | null {
  return named !== undefined && options.includes(named) ? named : null;
}
