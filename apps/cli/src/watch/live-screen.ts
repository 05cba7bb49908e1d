import { changedLines } from './frame-diff.ts';

export interface ScreenPort {
  /** What was typed; Ctrl-C and Ctrl-Z come as keys, since raw mode keeps them from being signals. */
  typed(text: string): void;
  /** The size changed, or the terminal came back. */
  changed(): void;
  /** False: SIGTSTP is passed over, since others live from this process. */
  readonly suspends: boolean;
}

const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
// In case a frame was cut off, its end comes first.
const LEAVE = '\u001b[?2026l\u001b[?7h\u001b[?25h\u001b[?1049l';
// Terminals that know synchronized output (DEC 2026) show a frame at once; the others pass over it.
const BEGIN_FRAME = '\u001b[?2026h';
const END_FRAME = '\u001b[?2026l';

/**
 * The terminal as the live table needs it, on its alternate screen.
 *
 *   open       drawn on; keys come in
 *   suspended  given back, the process stands still; SIGCONT opens it again
 *   closed     given back for good, whatever ended it: q, a signal, a crash
 *
 * What is never true: the process is stopped or gone, and the terminal not as it was.
 */
export class LiveScreen {
  readonly #output: NodeJS.WriteStream;
  readonly #input: NodeJS.ReadStream;
  readonly #port: ScreenPort;
  #shown: readonly string[] | null = null;
  #state: 'open' | 'suspended' | 'closed' = 'open';

  constructor(output: NodeJS.WriteStream, input: NodeJS.ReadStream, port: ScreenPort) {
    this.#output = output;
    this.#input = input;
    this.#port = port;
    // The last net. The monitor comes before Node prints the stack, which must not vanish with the alternate screen.
    process.on('exit', this.restore);
    process.on('uncaughtExceptionMonitor', this.restore);
    process.on('SIGTSTP', this.#onStop);
    process.on('SIGCONT', this.#onContinue);
    output.on('resize', this.#onResize);
    this.#enter();
    if (!input.isTTY) return;
    input.on('data', this.#onData);
    input.resume();
  }

  get columns(): number {
    return this.#output.columns;
  }

  get rows(): number {
    return this.#output.rows;
  }

  /** Replaces what was drawn before; nothing is written where nothing changed. */
  draw(lines: readonly string[]): void {
    if (this.#state !== 'open') return;
    const changes = changedLines(this.#shown, lines);
    this.#shown = lines;
    if (changes !== '') this.#output.write(BEGIN_FRAME + changes + END_FRAME);
  }

  /** Draws all of the next frame: somebody else wrote on the terminal. */
  forget(): void {
    this.#shown = null;
  }

  /** Ctrl-Z: stops the whole job, as a shell expects it. */
  suspend(): void {
    // To the whole group: a shell waits for the job's first process, such as npm.
    if (this.#port.suspends) process.kill(0, 'SIGTSTP');
  }

  /** Gives the terminal back. Safe twice. */
  readonly restore = (): void => {
    if (this.#state === 'closed') return;
    if (this.#state === 'open') this.#leave();
    this.#state = 'closed';
    this.#output.off('resize', this.#onResize);
    this.#input.off('data', this.#onData);
    process.off('exit', this.restore);
    process.off('uncaughtExceptionMonitor', this.restore);
    process.off('SIGTSTP', this.#onStop);
    process.off('SIGCONT', this.#onContinue);
    this.#input.pause();
  };

  readonly #onData = (data: Buffer | string) => this.#port.typed(String(data));

  readonly #onResize = () => {
    this.#shown = null;
    this.#port.changed();
  };

  readonly #onStop = () => {
    if (!this.#port.suspends || this.#state !== 'open') return;
    this.#state = 'suspended';
    this.#leave();
    // SIGTSTP itself is taken by this handler, and is passed over where no shell controls the job.
    process.kill(process.pid, 'SIGSTOP');
  };

  readonly #onContinue = () => {
    if (this.#state === 'closed') return;
    this.#enter();
    this.#port.changed();
  };

  #enter(): void {
    this.#state = 'open';
    this.#shown = null;
    if (this.#input.isTTY) {
      // A shell may have changed the modes meanwhile, which Node does not know.
      this.#input.setRawMode(false);
      this.#input.setRawMode(true);
    }
    this.#output.write(ENTER);
  }

  #leave(): void {
    this.#output.write(LEAVE);
    if (this.#input.isTTY) this.#input.setRawMode(false);
  }
}
