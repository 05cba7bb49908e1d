/** How a list is printed. */
export const LIST_FORMS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'csv', 'name'] as const;
/** How one object is printed where not as words for people. */
export const OBJECT_FORMS = ['json', 'yaml'] as const;

/** A flag among the words of a command line, by its long name. */
export interface WrittenFlag {
  readonly name: string;
  /** Null for one that takes none, and where it is missing. */
  readonly value: string | null;
}

/** What must be known of a flag to find it. */
export interface KnownFlag {
  readonly type: 'boolean' | 'option';
  readonly char?: string | undefined;
}
type KnownFlags = { readonly [name: string]: KnownFlag };

/** The flags before `--`, as oclif would read them: `-qwo json`, `-ojson`, `-o=json`, `--output=json`. Unknown ones are left out. */
export function writtenFlags(argv: readonly string[], known: KnownFlags): readonly WrittenFlag[] {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  const found: WrittenFlag[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const flags = inWord(words[at] ?? '', known);
    const last = flags.at(-1);
    if (last !== undefined && last.value === null && known[last.name]?.type === 'option') {
      // Its value is the next word.
      at += 1;
      found.push(...flags.slice(0, -1), { name: last.name, value: words[at] ?? null });
    } else found.push(...flags);
  }
  return found;
}

function inWord(word: string, known: KnownFlags): readonly WrittenFlag[] {
  const [, long, longValue] = /^--([^=]+)(?:=(.*))?$/s.exec(word) ?? [];
  if (long !== undefined)
    return Object.hasOwn(known, long) ? [{ name: long, value: longValue ?? null }] : [];
  return /^-[^-]/.test(word) ? inCluster(word.slice(1), known) : [];
}

/** Letters, of which the first that takes a value takes the rest of the word for it. */
function inCluster(letters: string, known: KnownFlags): readonly WrittenFlag[] {
  const found: WrittenFlag[] = [];
  for (const [i, letter] of [...letters].entries()) {
    const name = Object.keys(known).find((one) => known[one]?.char === letter);
    if (name === undefined) break;
    const rest = letters.slice(i + 1).replace(/^=/, '');
    const takesValue = known[name]?.type === 'option';
    found.push({ name, value: takesValue && rest !== '' ? rest : null });
    if (takesValue) break;
  }
  return found;
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
