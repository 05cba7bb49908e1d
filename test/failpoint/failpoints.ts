import { writeSync } from 'node:fs';

/** When, seen from one effect: before it was sent, while it is written, after it was acknowledged. */
export type Moment = 'before' | 'during' | 'after';

/** A place between two effects: `state.cas download held->committed`, with the moment. */
export interface Point {
  readonly site: string;
  readonly moment: Moment;
}

/** What the test tells a process of its own. */
export type Order =
  | { readonly kind: 'arm'; readonly point: Point | null }
  /** Report again what was reported before. */
  | { readonly kind: 'forget' };

/** What the process answers. */
export type Report = { readonly kind: 'met'; readonly point: Point } | { readonly kind: 'obeyed' };

/** Begins the line that a process writes just before it kills itself. */
export const KILLED_AT = 'failpoint: killed at';

/** The points that a process passes: each is reported once, and at the armed one it kills itself with no chance to clean up. */
export class Failpoints {
  #armed: Point | null;
  readonly #met = new Set<string>();
  readonly #report: (report: Report) => void;

  constructor(armed: Point | null, report: (report: Report) => void) {
    this.#armed = armed;
    this.#report = report;
  }

  obey(order: Order): void {
    if (order.kind === 'arm') this.#armed = order.point;
    else this.#met.clear();
    this.#report({ kind: 'obeyed' });
  }

  pass(point: Point): void {
    const words = wordsOf(point);
    if (this.#armed !== null && wordsOf(this.#armed) === words) die(words);
    if (this.#met.has(words)) return;
    this.#met.add(words);
    this.#report({ kind: 'met', point });
  }

  /** One effect with an acknowledgement. A failed one has no `after`: nothing is known of it. */
  async around<T>(site: string, effect: () => Promise<T>): Promise<T> {
    this.pass({ site, moment: 'before' });
    const result = await effect();
    this.pass({ site, moment: 'after' });
    return result;
  }
}

export function wordsOf({ site, moment }: Point): string {
  return `${moment} ${site}`;
}

function die(words: string): never {
  // To a pipe this is synchronous: it is read although nothing after it happens.
  writeSync(2, `${KILLED_AT} ${words}\n`);
  process.kill(process.pid, 'SIGKILL');
  for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}
