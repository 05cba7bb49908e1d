/** A key as a person means it. What is typed as text comes a character at a time. */
export type Key = { readonly kind: 'char'; readonly char: string } | { readonly kind: NamedKey };

export type NamedKey =
  | 'up'
  | 'down'
  | 'page_up'
  | 'page_down'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'erase_line'
  | 'interrupt'
  | 'suspend'
  | 'redraw';

const controls: { readonly [char: string]: NamedKey } = {
  '\r': 'enter',
  '\n': 'enter',
  '\u001b': 'escape',
  '\u007f': 'backspace',
  '\b': 'backspace',
  '\u0015': 'erase_line',
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '\u000c': 'redraw',
  '\u000e': 'down',
  '\u0010': 'up',
};

/** After `ESC [` or `ESC O`, without modifiers: terminals differ in the last four. */
const sequences: { readonly [sequence: string]: NamedKey } = {
  A: 'up',
  B: 'down',
  H: 'home',
  F: 'end',
  '5~': 'page_up',
  '6~': 'page_down',
  '1~': 'home',
  '7~': 'home',
  '4~': 'end',
  '8~': 'end',
};

/** A paste of more than this is no command. */
const KEYS_MAX = 1_000;

/**
 * The keys in what a terminal in raw mode sent at once. An escape sequence comes in one piece; one that is not known is
 * passed over, so that its letters are no keys.
 */
export function keysIn(data: string): Key[] {
  const keys: Key[] = [];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  const pieces = data.matchAll(/\u001b(?:\[[0-?]*[ -/]*[@-~]|O[ -~])|[\s\S]/gu);
  for (const [piece] of pieces) {
    const key = keyOf(piece);
    if (key !== null) keys.push(key);
    if (keys.length >= KEYS_MAX) break;
  }
  return keys;
}

function keyOf(piece: string): Key | null {
  if (piece.startsWith('\u001b') && piece.length > 1) {
    const named = sequences[piece.slice(2)];
    return named === undefined ? null : { kind: named };
  }
  const named = controls[piece];
  if (named !== undefined) return { kind: named };
  return /^\p{C}$/u.test(piece) ? null : { kind: 'char', char: piece };
}
