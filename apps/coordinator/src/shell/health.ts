import type { Clock } from '@podctl/platform/clock.ts';
import type { Kv, TailState } from '@podctl/platform/kv.ts';
import { silenceProblem, vacancyProblem } from '../core/silence.ts';
import { writeProblem } from '../core/write-health.ts';
import type { FleetInfo } from './fleet.ts';
import { WriteWatch } from './write-watch.ts';

export interface HealthOptions {
  readonly clock: Clock;
  readonly state: Kv;
  readonly meta: Kv;
  readonly lead: Kv;
  /** The name of this one, as it stands in the leader's key. */
  readonly coordinator: string;
}

/** What a coordinator knows of NATS and the lead beyond "connected": whether writes land, and since when nobody leads. */
export class Health {
  /** To be used instead of what was given, so that each write is seen. */
  readonly buckets: { readonly [bucket in keyof FleetInfo['failedWrites']]: WriteWatch };
  readonly #clock: Clock;
  readonly #coordinator: string;
  #vacantSinceMs: number | null;

  constructor({ clock, state, meta, lead, coordinator }: HealthOptions) {
    this.buckets = {
      state: new WriteWatch(state, clock),
      meta: new WriteWatch(meta, clock),
      lead: new WriteWatch(lead, clock),
    };
    this.#clock = clock;
    this.#coordinator = coordinator;
    this.#vacantSinceMs = clock.monotonicMs();
  }

  failedWrites(): FleetInfo['failedWrites'] {
    const { state, meta, lead } = this.buckets;
    return { state: state.health.failed, meta: meta.health.failed, lead: lead.health.failed };
  }

  /** Why nothing can be written, when writes fail and fail; else empty. */
  writeProblem(): string {
    const nowMs = this.#clock.monotonicMs();
    const { state, meta, lead } = this.buckets;
    const problems = [state, meta, lead].map(({ health }) => writeProblem(health, nowMs));
    return problems.find((problem) => problem !== '') ?? '';
  }

  silenceProblem(tail: TailState): string {
    return silenceProblem(tail, this.#clock.monotonicMs());
  }

  vacancyProblem(): string {
    return vacancyProblem(this.#vacantSinceMs, this.#clock.monotonicMs());
  }

  /** A key that names this coordinator while it does not lead is a leftover. */
  noteLead(isLeading: boolean, key: { readonly coordinator: string } | null): void {
    const another = key !== null && key.coordinator !== this.#coordinator;
    if (isLeading || another) this.#vacantSinceMs = null;
    else this.#vacantSinceMs ??= this.#clock.monotonicMs();
  }
}
