import type { Clock } from '@podctl/platform/clock.ts';
import type { Library } from '@podctl/platform/library.ts';
import type { Service } from '@podctl/platform/service.ts';

export interface LibraryWatchOptions {
  readonly library: Library;
  readonly clock: Clock;
  /** Told in words when it goes away, and when it comes back. */
  changed(message: string): void;
  /** Told at each look at which it has been away for half a minute or longer. */
  awayLong(): void;
}

const CHECK_MS = 5_000;
/** A network mount may hang for a while and come back. */
const AWAY_LOOKS = 6;

/** Knows whether the library is there. */
export class LibraryWatch implements Service {
  readonly name = 'library watch';
  readonly #options: LibraryWatchOptions;
  readonly #end = new AbortController();
  #problem = '';
  #looksAway = 0;
  #running: Promise<void> | null = null;

  constructor(options: LibraryWatchOptions) {
    this.#options = options;
  }

  /** Empty while it is there; else one sentence. */
  get problem(): string {
    return this.#problem;
  }

  /** Has looked once when it resolves. */
  async start(): Promise<void> {
    await this.#look();
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#end.abort(new Error('the library watch is stopped'));
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    while (!signal.aborted) {
      await this.#options.clock.sleep(CHECK_MS, signal).catch(() => {});
      if (!signal.aborted) await this.#look();
    }
  }

  async #look(): Promise<void> {
    const health = await this.#options.library.check();
    const problem = health.kind === 'online' ? '' : `library offline: ${health.reason}`;
    this.#looksAway = problem === '' ? 0 : this.#looksAway + 1;
    if (this.#looksAway > AWAY_LOOKS) this.#options.awayLong();
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#options.changed(problem === '' ? 'the library is back' : problem);
  }
}
