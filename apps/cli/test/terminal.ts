import { type IPty, spawn } from '@lydell/node-pty';
import xterm from '@xterm/headless';
import { environment, PODCTL } from './run-podctl.ts';

/** podctl on a terminal of its own: what a person sees of it, and the keys. */
export interface TerminalRun {
  readonly pty: IPty;
  /** The rows as they are shown now, without trailing spaces. */
  rows(): string[];
  /** Everything that was written, escapes included. */
  written(): string;
  /** Resolves with the rows when they satisfy; rejects when podctl ends before. */
  until(holds: (rows: string[]) => boolean): Promise<string[]>;
  readonly ended: Promise<number>;
}

export function runOnTerminal(
  args: readonly string[],
  columns: number,
  rows: number,
  own: NodeJS.ProcessEnv = {},
): TerminalRun {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const { CI: _, ...env } = environment();
  const pty = spawn(process.execPath, [PODCTL, ...args], {
    cols: columns,
    rows,
    env: { ...env, ...own },
  });
  const waiting = new Set<() => void>();
  let text = '';
  pty.onData((data) => {
    text += data;
    terminal.write(data, () => {
      for (const check of waiting) check();
    });
  });
  const ended = new Promise<number>((resolve) => pty.onExit(({ exitCode }) => resolve(exitCode)));
  const shown = () =>
    Array.from({ length: rows }, (_row, i) => {
      const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + i);
      return line?.translateToString(true) ?? '';
    });
  return {
    pty,
    ended,
    rows: shown,
    written: () => text,
    until: (holds) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const now = shown();
          if (!holds(now)) return;
          waiting.delete(check);
          resolve(now);
        };
        waiting.add(check);
        check();
        void ended.then((code) => reject(new Error(`podctl ended with ${code}:\n${text}`)));
      }),
  };
}
