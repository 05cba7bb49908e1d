/** A system that can be explored: from a state, every next one. States are equal when their names are. */
export interface Explorable<S> {
  readonly first: S;
  name(state: S): string;
  steps(state: S, emit: Emit<S>): void;
  /** The sentence that a step from `before` to `after` breaks, or null. */
  broken(before: S, after: S): string | null;
  /** Nothing is left to do. */
  isSettled(state: S): boolean;
  /** The sentence that is broken when no helping step leads to a settled state any more. */
  readonly progress: string;
}

/** `helps`: the system's own work, no accident; what is under way must come to its end by such steps alone. */
export type Emit<S> = (helps: boolean, words: () => string, next: S) => void;

export interface Outcome {
  /** Null: everything within the bounds was visited, and every sentence holds. */
  readonly broken: string | null;
  readonly states: number;
  readonly steps: number;
  /** A shortest one, in words. */
  readonly trace: readonly string[];
}

/** Visits every state breadth first, so that the first violation has a shortest trace. Throws above `statesMax`. */
export function explore<S>(system: Explorable<S>, statesMax = 5_000_000): Outcome {
  return new Search(system, statesMax).run();
}

class Search<S> {
  readonly #system: Explorable<S>;
  readonly #statesMax: number;
  readonly #indexes = new Map<string, number>();
  /** Who found the state, and by which of its steps: enough to walk the way again. */
  readonly #parents = new Numbers();
  readonly #choices = new Numbers();
  readonly #settled: number[] = [];
  readonly #from = new Numbers();
  readonly #to = new Numbers();
  #frontier: S[] = [];
  #states = 0;
  #steps = 0;

  constructor(system: Explorable<S>, statesMax: number) {
    this.#system = system;
    this.#statesMax = statesMax;
  }

  run(): Outcome {
    this.#visit(this.#system.first, -1, 0);
    let index = 0;
    while (this.#frontier.length > 0) {
      const layer = this.#frontier;
      this.#frontier = [];
      for (const state of layer) {
        const found = this.#expand(state, index);
        if (found !== null) return this.#end(found.broken, this.#trace(index, found.choice));
        index += 1;
      }
    }
    const stuck = this.#stuck();
    if (stuck < 0) return this.#end(null, []);
    return this.#end(this.#system.progress, [
      ...this.#trace(stuck, -1),
      '… and from here no way leads to the end',
    ]);
  }

  #expand(state: S, index: number): { readonly broken: string; readonly choice: number } | null {
    let choice = 0;
    let found: { broken: string; choice: number } | null = null;
    this.#system.steps(state, (helps, _words, next) => {
      const chosen = choice;
      choice += 1;
      if (found !== null) return;
      this.#steps += 1;
      const broken = this.#system.broken(state, next);
      if (broken !== null) found = { broken, choice: chosen };
      else {
        const to = this.#visit(next, index, chosen);
        if (helps) {
          this.#from.push(index);
          this.#to.push(to);
        }
      }
    });
    return found;
  }

  #visit(state: S, parent: number, choice: number): number {
    const name = this.#system.name(state);
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    if (this.#states >= this.#statesMax)
      throw new Error(`more than ${this.#statesMax} states: choose a smaller world`);
    const index = this.#states;
    this.#states += 1;
    this.#indexes.set(name, index);
    this.#parents.push(parent);
    this.#choices.push(choice);
    if (this.#system.isSettled(state)) this.#settled.push(index);
    this.#frontier.push(state);
    return index;
  }

  /** The first state from which helping steps reach no settled one; -1 when there is none. */
  #stuck(): number {
    const { start, into } = this.#reversed();
    const reaches = new Uint8Array(this.#states);
    const open = [...this.#settled];
    for (const index of open) reaches[index] = 1;
    for (let index = open.pop(); index !== undefined; index = open.pop())
      for (const source of into.subarray(start[index], start[index + 1])) {
        if (reaches[source] === 1) continue;
        reaches[source] = 1;
        open.push(source);
      }
    return reaches.indexOf(0);
  }

  /** The helping steps by where they lead: those into state `i` come from `into[start[i]]` up to `into[start[i + 1] - 1]`. */
  #reversed(): { readonly start: Int32Array; readonly into: Int32Array } {
    const sources = this.#from.view();
    const targets = this.#to.view();
    const start = new Int32Array(this.#states + 1);
    for (const to of targets) start[to + 1] = (start[to + 1] ?? 0) + 1;
    for (let i = 0; i < this.#states; i += 1) start[i + 1] = (start[i + 1] ?? 0) + (start[i] ?? 0);
    const cursor = start.slice();
    const into = new Int32Array(targets.length);
    targets.forEach((to, edge) => {
      const at = cursor[to] ?? 0;
      cursor[to] = at + 1;
      into[at] = sources[edge] ?? 0;
    });
    return { start, into };
  }

  /** Walks the way to a state again, and one more step where `last` is not negative, and says each step in words. */
  #trace(index: number, last: number): string[] {
    const choices = last < 0 ? [] : [last];
    for (let at = index; at > 0; at = this.#parents.at(at)) choices.unshift(this.#choices.at(at));
    const said: string[] = [];
    let state = this.#system.first;
    for (const choice of choices) {
      let count = 0;
      let next = state;
      this.#system.steps(state, (_helps, words, after) => {
        if (count === choice) {
          said.push(words());
          next = after;
        }
        count += 1;
      });
      state = next;
    }
    return said;
  }

  #end(broken: string | null, trace: readonly string[]): Outcome {
    return { broken, states: this.#states, steps: this.#steps, trace };
  }
}

/** A growing list of small whole numbers: millions of them, four bytes each. */
class Numbers {
  #items = new Int32Array(1_024);
  #length = 0;

  push(item: number): void {
    if (this.#length === this.#items.length) {
      const grown = new Int32Array(this.#length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    this.#items[this.#length] = item;
    this.#length += 1;
  }

  at(index: number): number {
    return this.#items[index] ?? -1;
  }

  view(): Int32Array {
    return this.#items.subarray(0, this.#length);
  }
}
