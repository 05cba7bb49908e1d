/** The terminal as the live table needs it: draws in place, and gives the terminal back as it was. */
export interface LiveScreen {
  /** Replaces what was drawn before. */
  draw(lines: readonly string[]): void;
  readonly columns: number;
  readonly rows: number;
  /** Shows the cursor and the typed letters again. Safe twice. */
  restore(): void;
}

export interface ScreenKeys {
  /** A key was pressed; Ctrl-C comes as `\u0003`, since raw mode keeps it from being a signal. */
  key(text: string): void;
  resized(): void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const WRAP_OFF = '\u001b[?7l';
const WRAP_ON = '\u001b[?7h';
const CLEAR_BELOW = '\u001b[0J';
const CLEAR_LINE = '\u001b[2K';
// Terminals that know synchronized output (DEC 2026) show a frame at once; the others pass over it.
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';

export function openScreen(
  output: NodeJS.WriteStream,
  input: NodeJS.ReadStream,
  keys: ScreenKeys,
): LiveScreen {
  let drawn = 0;
  let open = true;
  const onData = (data: Buffer | string) => keys.key(String(data));
  const onResize = () => keys.resized();
  const restore = () => {
    if (!open) return;
    open = false;
    output.write(WRAP_ON + SHOW_CURSOR);
    output.off('resize', onResize);
    process.off('exit', restore);
    input.off('data', onData);
    if (input.isTTY) input.setRawMode(false);
    input.pause();
  };
  // The last net: a crash must not leave a terminal without a cursor.
  process.on('exit', restore);
  output.on('resize', onResize);
  if (input.isTTY) {
    input.setRawMode(true);
    input.on('data', onData);
    input.resume();
  }
  output.write(HIDE_CURSOR + WRAP_OFF);
  return {
    get columns() {
      return output.columns;
    },
    get rows() {
      return output.rows;
    },
    draw(lines) {
      if (!open) return;
      const home = drawn > 0 ? `\u001b[${drawn}A\r` : '\r';
      // Cleared before it is written: after a line of full width the cursor stands on its last character.
      const body = lines.map((line) => `${CLEAR_LINE}${line}\r\n`).join('');
      output.write(BEGIN_FRAME + home + body + CLEAR_BELOW + END_FRAME);
      drawn = lines.length;
    },
    restore,
  };
}
