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
  /** Modes as a shell would find them. */
  modes(): TerminalModes;
  resize(columns: number, rows: number): void;
  readonly ended: Promise<number>;
}

export interface TerminalModes {
  readonly screen: 'normal' | 'alternate';
  readonly wraps: boolean;
  readonly cursorShows: boolean;
}

/** A program on a terminal of its own, by default podctl. */
export interface TerminalProgram {
  readonly file: string;
  readonly args: readonly string[];
}

export function runOnTerminal(
  args: readonly string[],
  columns: number,
  rows: number,
  own: NodeJS.ProcessEnv = {},
  program: TerminalProgram = { file: process.execPath, args: [PODCTL, ...args] },
): TerminalRun {
  const terminal = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
  const { CI: _, ...env } = environment();
  const pty = spawn(program.file, [...program.args], {
    cols: columns,
    rows,
    env: { LANG: 'C.UTF-8', ...env, ...own },
  });
  const waiting = new Set<() => void>();
  let text = '';
  pty.onData((data) => {
    text += data;
    terminal.write(data, () => {
      for (const check of waiting) check();
    });
  });
  // What was written before the end is shown before anybody looks.
  const ended = new Promise<number>((resolve) =>
    pty.onExit(({ exitCode }) => terminal.write('', () => resolve(exitCode))),
  );
  const shown = () =>
    Array.from({ length: terminal.rows }, (_row, i) => {
      const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + i);
      return line?.translateToString(true) ?? '';
    });
  return {
    pty,
    ended,
    rows: shown,
    written: () => text,
    modes: () => ({
      screen: terminal.buffer.active.type,
      wraps: terminal.modes.wraparoundMode,
      cursorShows: text.lastIndexOf('\u001b[?25h') >= text.lastIndexOf('\u001b[?25l'),
    }),
    resize: (toColumns, toRows) => {
      terminal.resize(toColumns, toRows);
      pty.resize(toColumns, toRows);
    },
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
