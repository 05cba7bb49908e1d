import { setTimeout as wait } from 'node:timers/promises';
import type { Fleet, Load } from './fleet.ts';

const ASK_EVERY_MS = 100;

/** Compares what each coordinator answers with what the recorder has seen, over and over. */
export class TailWatch {
  readonly #fleet: Fleet;
  readonly #stopping = new AbortController();
  readonly #wrongs: string[] = [];
  #running: Promise<unknown> = Promise.resolve();
  #behindMs = 0;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
  }

  start(): void {
    this.#running = Promise.all(this.#fleet.coordinators.map(({ name }) => this.#follow(name)));
  }

  /** Resolves when all of them know the newest revision. */
  async caughtUp(): Promise<void> {
    for (const { name } of this.#fleet.coordinators)
      await this.#fleet.untilTold(`${name} knowing the newest revision`, async () => {
        const overview = await this.#fleet.api.overviewOf(this.#fleet.files.grpcOf(name));
        return overview !== null && Number(overview.revision) >= this.#fleet.recorder.revision
          ? true
          : null;
      });
  }

  /** What each of them says of every episode of the feed must be what the log says. */
  async stop(load: Load): Promise<{ behindMs: number; wrongs: string[] }> {
    this.#stopping.abort();
    await this.#running;
    const expected = new Set(this.#fleet.episodesOf(load.feed).map(({ key }) => key));
    for (const { name } of this.#fleet.coordinators) {
      const done = await this.#fleet.api.doneEpisodes(this.#fleet.files.grpcOf(name), load.feed);
      if (done.size !== expected.size || [...expected].some((key) => !done.has(key)))
        this.#wrongs.push(`${name} shows ${done.size} episodes as done, not ${expected.size}`);
    }
    return { behindMs: this.#behindMs, wrongs: this.#wrongs };
  }

  async recreated(): Promise<number> {
    let sum = 0;
    for (const { name } of this.#fleet.coordinators)
      sum +=
        (await this.#fleet.api.metricOf(
          this.#fleet.files.metricsOf(name),
          'podctl_tail_recreated_total',
        )) ?? 0;
    return sum;
  }

  async #follow(name: string): Promise<void> {
    const { files, api } = this.#fleet;
    let last = 0;
    while (!this.#stopping.signal.aborted) {
      const overview = await api.overviewOf(files.grpcOf(name));
      const revision = Number(overview?.revision ?? last);
      if (revision < last) this.#wrongs.push(`${name} went back from ${last} to ${revision}`);
      last = Math.max(last, revision);
      this.#behindMs = Math.max(this.#behindMs, this.#behind(last));
      await wait(ASK_EVERY_MS);
    }
  }

  /** How long ago the first revision was seen that this coordinator does not know. */
  #behind(revision: number): number {
    const { recorder } = this.#fleet;
    for (let next = revision + 1; next <= recorder.revision; next += 1) {
      const seenMs = recorder.seenAtMs(next);
      if (seenMs !== null) return performance.now() - seenMs;
    }
    return 0;
  }
}
