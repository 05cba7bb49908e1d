import type { Prng } from './prng.ts';
import type { PauseKind, SimProcess } from './process.ts';
import type { VirtualTime } from './virtual-time.ts';

/** A step between two effects of a process. */
export type MomentKind = 'sending' | 'answered' | 'before' | 'after' | 'replying' | 'journalled';

/** Something done to a process at the n-th moment that fits: it dies or pauses exactly there. */
export interface Ambush {
  readonly kind: MomentKind;
  readonly role: 'coordinator' | 'agent';
  /** Begins the name of the key, path or subject. */
  readonly prefix: string;
  countdown: number;
  readonly act:
    | { readonly do: 'crash' }
    | { readonly do: 'pause'; readonly how: PauseKind; readonly ms: number };
}

/** Where processes are ambushed. */
export class Moments {
  readonly #time: VirtualTime;
  readonly #ambushes: Ambush[] = [];
  /** Told of each that was sprung. */
  onAmbush: (process: SimProcess, ambush: Ambush, name: string) => void = () => {};
  isQuiet = false;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  set(ambush: Ambush): void {
    this.#ambushes.push(ambush);
  }

  pass(process: SimProcess, kind: MomentKind, name: string): void {
    if (this.isQuiet || this.#ambushes.length === 0 || process.isDead) return;
    const at = this.#ambushes.findIndex(
      (ambush) =>
        ambush.kind === kind &&
        process.name.startsWith(ambush.role) &&
        name.startsWith(ambush.prefix),
    );
    const ambush = this.#ambushes[at];
    if (ambush === undefined) return;
    ambush.countdown -= 1;
    if (ambush.countdown > 0) return;
    this.#ambushes.splice(at, 1);
    this.onAmbush(process, ambush, name);
    if (ambush.act.do === 'crash') process.crash();
    else {
      process.pause(ambush.act.how);
      this.#time.after(ambush.act.ms, () => process.resume());
    }
  }
}

const PLACES: readonly (readonly [MomentKind, Ambush['role'], string])[] = [
  ['sending', 'coordinator', 'job.'],
  ['answered', 'coordinator', 'job.'],
  ['sending', 'coordinator', 'sess.'],
  ['answered', 'coordinator', 'sess.'],
  ['sending', 'coordinator', 'leader'],
  ['answered', 'coordinator', 'leader'],
  ['before', 'coordinator', 'episodes/'],
  ['after', 'coordinator', 'episodes/'],
  ['after', 'coordinator', 'podcasts/'],
  ['before', 'coordinator', 'staging/'],
  ['replying', 'coordinator', 'res.'],
  ['replying', 'coordinator', 'hello.'],
  ['before', 'agent', 'staging/'],
  ['after', 'agent', 'staging/'],
  ['journalled', 'agent', ''],
];

export function randomAmbush(random: Prng): Ambush {
  const [kind, role, prefix] = random.pick(PLACES);
  const how = random.pick(['stopped', 'suspended'] as const);
  return {
    kind,
    role,
    prefix,
    countdown: random.between(1, 12),
    act: random.chance(0.5)
      ? { do: 'crash' }
      : { do: 'pause', how, ms: random.between(500, 50_000) },
  };
}
