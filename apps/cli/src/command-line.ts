/** Global flags that may stand before the command, each with whether a value follows it. */
const withValue = [
  ...['--server', '--context', '-c', '--ca-file', '--data-dir', '--timeout', '--output', '-o'],
  ...['--sort-by', '--limit', '--page-token', '--time', '--selector', '-l'],
];
const withoutValue = [
  ...['--quiet', '-q', '--verbose', '-v', '--no-color', '--no-input', '--json', '--yes', '-y'],
  ...['--dry-run', '--no-headers', '--no-trunc', '--watch', '-w'],
];
const globalFlags: ReadonlyMap<string, boolean> = new Map([
  ...withValue.map((name) => [name, true] as const),
  ...withoutValue.map((name) => [name, false] as const),
]);

/**
 * The words of a command line with the command first: oclif takes the first word for the command, people also write
 * `podctl -c home status`. What is no global flag stays where it is.
 */
export function commandFirst(words: readonly string[]): string[] {
  const before = leadingFlags(words);
  const rest = words.slice(before.length);
  // Help and version are oclif's own, and take none of them.
  if (before.length === 0 || rest.length === 0 || (rest[0] ?? '').startsWith('-'))
    return [...words];
  if (rest[0] === 'help' || rest[0] === 'autocomplete') return rest;
  const end = rest.indexOf('--');
  return end === -1 ? [...rest, ...before] : [...rest.slice(0, end), ...before, ...rest.slice(end)];
}

function leadingFlags(words: readonly string[]): readonly string[] {
  let at = 0;
  while (at < words.length) {
    const word = words[at] ?? '';
    const takesNext = takesNextWord(word);
    if (takesNext === null) break;
    at += takesNext ? 2 : 1;
  }
  return words.slice(0, at);
}

/** Null for what is no global flag; `-qo` is two of them. */
function takesNextWord(word: string): boolean | null {
  const known = globalFlags.get(word);
  if (known !== undefined) return known;
  if (holdsItsValue(word)) return false;
  const [, letter, rest] = /^-([a-z])([a-z].*)$/.exec(word) ?? [];
  return globalFlags.get(`-${letter}`) === false ? takesNextWord(`-${rest}`) : null;
}

/** `--server=x:1`, `-ojson` */
function holdsItsValue(word: string): boolean {
  const name = /^(--[a-z-]+)=/.exec(word)?.[1] ?? /^(-[a-z])./.exec(word)?.[1];
  return name !== undefined && globalFlags.get(name) === true;
}
