import { invariant } from '@podctl/domain/result.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { Assignment } from '../core/assignment.ts';
import { tokenKey } from '../core/token-key.ts';
import type { AttemptStore, AudioInput } from './attempt-store.ts';

export interface FetchAheadPorts {
  readonly store: Pick<AttemptStore, 'input'>;
  /** Has an engine read the audio ahead. A hint. */
  readonly prepare: (audioPath: string) => void;
  readonly log: Logger;
}

interface Entry {
  readonly controller: AbortController;
  /** Null: it could not be had; whoever begins the job tries again and tells. */
  readonly input: Promise<AudioInput | null>;
}

/** Fetches at a time: what waits must not take the line from what runs. */
const AT_ONCE_MAX = 2;

/**
 * The audio of transcriptions that wait for a slot: on this machine, checked, and read by an engine, before their turn comes.
 *
 * An entry is fetching → here → taken by its job, or dropped when its token is held no more. Never true: audio kept for a
 * token that is not held; a job that waits for a fetch that nobody makes.
 */
export class FetchAhead {
  readonly #ports: FetchAheadPorts;
  readonly #entries = new Map<string, Entry>();
  #fetching = 0;
  #prepared = '';
  #waiting = new Map<string, Assignment>();

  constructor(ports: FetchAheadPorts) {
    this.#ports = ports;
  }

  /** `waiting`: what has no slot yet, oldest first. `isHeld`: whether a token is held at all. */
  keep(waiting: ReadonlyMap<string, Assignment>, isHeld: (key: string) => boolean): void {
    this.#waiting = new Map(waiting);
    for (const [key, entry] of this.#entries) if (!isHeld(key)) this.#drop(key, entry);
    this.#fetch();
    void this.#prepareNext();
  }

  /** What was fetched for a job that begins now, which then owns it; null: nothing was, or it did not come out well. */
  async take({ cluster, job }: Assignment, signal: AbortSignal): Promise<AudioInput | null> {
    const key = tokenKey(cluster, job);
    this.#waiting.delete(key);
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    this.#entries.delete(key);
    const abort = () => entry.controller.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const input = await entry.input;
      if (input !== null && signal.aborted) {
        input[Symbol.dispose]();
        return null;
      }
      return input;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /** Gives back what nobody took. */
  stop(): void {
    this.keep(new Map(), () => false);
  }

  #fetch(): void {
    for (const [key, assignment] of this.#waiting) {
      if (this.#fetching >= AT_ONCE_MAX) return;
      if (assignment.work.kind !== 'transcribe' || this.#entries.has(key)) continue;
      const controller = new AbortController();
      const input = this.#input(assignment, controller.signal);
      this.#entries.set(key, { controller, input });
    }
  }

  async #input(assignment: Assignment, signal: AbortSignal): Promise<AudioInput | null> {
    const { work, job } = assignment;
    invariant(work.kind === 'transcribe', 'only transcriptions are fetched ahead');
    this.#fetching += 1;
    try {
      const found = await this.#ports.store.input(assignment, work, signal);
      if (!found.ok) return null;
      if (signal.aborted) {
        found.value[Symbol.dispose]();
        return null;
      }
      this.#ports.log.info({ ...job }, 'The audio is here before its turn');
      return found.value;
    } catch (error) {
      // The job meets it again, and tells it, when its turn comes.
      if (!signal.aborted) this.#ports.log.debug({ ...job, err: error }, 'Fetching ahead failed');
      return null;
    } finally {
      this.#fetching -= 1;
      queueMicrotask(() => {
        this.#fetch();
        void this.#prepareNext();
      });
    }
  }

  /** Only what comes next: an engine reads one ahead. */
  async #prepareNext(): Promise<void> {
    const [next] = this.#waiting.keys();
    if (next === undefined || next === this.#prepared) return;
    const input = await this.#entries.get(next)?.input;
    const [still] = this.#waiting.keys();
    if (input === null || input === undefined || still !== next || this.#prepared === next) return;
    this.#prepared = next;
    this.#ports.prepare(input.path);
  }

  #drop(key: string, { controller, input }: Entry): void {
    this.#entries.delete(key);
    controller.abort(new Error('it is not held any more'));
    void input.then((found) => found?.[Symbol.dispose]());
  }
}
