const CLEAR_SCREEN = '\u001b[H\u001b[2J';
const CLEAR_LINE = '\u001b[2K';

/**
 * What must be written to turn one frame into the next: only lines that differ. Null before: the screen holds who knows
 * what. Each line is cleared before it is written: after a line of full width the cursor stands on its last character.
 */
export function changedLines(before: readonly string[] | null, after: readonly string[]): string {
  const cleared = before === null ? CLEAR_SCREEN : '';
  const known = before ?? [];
  const count = Math.max(known.length, after.length);
  const changes = Array.from({ length: count }, (_, i) => {
    const line = after[i] ?? '';
    return line === (known[i] ?? '') ? '' : `\u001b[${i + 1};1H${CLEAR_LINE}${line}`;
  });
  return cleared + changes.join('');
}
