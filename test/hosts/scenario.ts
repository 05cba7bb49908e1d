import type { Fleet } from './fleet.ts';
import type { Engine } from './fleet-files.ts';

/** What was seen of one fault, besides what is counted from the log. */
export interface Seen {
  /** From the fault to the end of its effect, as the scenario's figure defines it; null where there is nothing to recover. */
  readonly recoveredMs: number | null;
  /** What else was found, for people. */
  readonly notes: readonly string[];
  /** What must not be so; a scenario with one has failed. */
  readonly wrongs: readonly string[];
}

export interface Scenario {
  /** One word for the command line. */
  readonly id: string;
  /** The fault, in words. */
  readonly fault: string;
  /** What `recoveredMs` is the time to. */
  readonly until: string;
  /** Null: the time is only told. */
  readonly limitMs: number | null;
  readonly engine: Engine;
  /** A sentence when it cannot be played here. */
  readonly impossible?: () => Promise<string | null>;
  readonly play: (fleet: Fleet) => Promise<Seen>;
}
