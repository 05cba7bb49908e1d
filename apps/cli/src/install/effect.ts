/** What installing or uninstalling changes on a machine, as data: `--dry-run` prints it, `apply-effect.ts` does it. */
export type Effect =
  | FileEffect
  | { readonly kind: 'folder'; readonly path: string; readonly mode: number }
  /** A file, or a folder with all below it; what is not there is no error. */
  | { readonly kind: 'remove'; readonly path: string }
  /** A folder that goes only if it is empty. */
  | { readonly kind: 'remove-empty'; readonly path: string }
  | CommandEffect
  /** What happens elsewhere than in files and programs, in words. */
  | { readonly kind: 'other'; readonly words: string };

export interface FileEffect {
  readonly kind: 'file';
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

export interface CommandEffect {
  readonly kind: 'command';
  readonly argv: readonly string[];
  /** Its failure is nothing to stop for, e.g. forgetting what is not known. */
  readonly mayFail?: boolean;
  /** How long it may take, where that is not the usual time. */
  readonly limitMs?: number;
}

/** Lines for a person; the text of files is indented below their name. */
export function effectLines(effect: Effect): readonly string[] {
  switch (effect.kind) {
    case 'folder':
      return [`folder  ${effect.path} (mode ${octal(effect.mode)})`];
    case 'file':
      return [
        `file    ${effect.path} (mode ${octal(effect.mode)})`,
        ...effect.text
          .trimEnd()
          .split('\n')
          .map((line) => (line === '' ? '' : `          ${line}`)),
      ];
    case 'remove':
      return [`remove  ${effect.path}`];
    case 'remove-empty':
      return [`remove  ${effect.path} (if nothing else is in it)`];
    case 'command':
      return [`run     ${effect.argv.map(shellWord).join(' ')}`];
    case 'other':
      return [`do      ${effect.words}`];
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}

/** As a shell would take it: so that a printed command can be pasted. */
export function shellWord(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
