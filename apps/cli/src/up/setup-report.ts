/** Tells a person how far the set-up is: one line a step, on stderr; in place on a terminal. */
export interface SetupReport {
  /** How far the current step is; shown at once on a terminal, elsewhere every few seconds. */
  progress(text: string): void;
  /** A line that stays. */
  line(text: string): void;
  /** Clears what is shown in place. */
  end(): void;
}

const PLAIN_MS_MIN = 5_000;

export function setupReport(output: NodeJS.WriteStream, quiet: boolean): SetupReport {
  if (quiet) return { progress: () => undefined, line: () => undefined, end: () => undefined };
  let toldAtMs = Date.now();
  let shown = false;
  const clear = () => {
    if (shown) output.write('\r\u001b[K');
    shown = false;
  };
  return {
    progress(text) {
      if (output.isTTY) {
        output.write(`\r${text.slice(0, Math.max(10, output.columns - 1))}\u001b[K`);
        shown = true;
      } else if (Date.now() - toldAtMs >= PLAIN_MS_MIN) {
        toldAtMs = Date.now();
        output.write(`${text}\n`);
      }
    },
    line(text) {
      clear();
      toldAtMs = Date.now();
      output.write(`${text}\n`);
    },
    end: clear,
  };
}
