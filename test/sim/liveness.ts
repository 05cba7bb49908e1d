import { whyNotAssignable } from '@podctl/domain/episode-move.ts';
import { hostName } from '@podctl/domain/host-name.ts';
import { allowedNow } from '@podctl/domain/host-state.ts';
import { isCanary } from '@podctl/domain/retry.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { STAGE_INPUT, STAGES, type Stage } from '@podctl/domain/stage.ts';
import { hostRulesOf, LOST_AFTER_MS } from './fleet.ts';
import type { JobRow } from './recorder.ts';
import type { Simulation } from './simulation.ts';
import { allEpisodes, must, workMs } from './world.ts';

const ADD_EVERY_MS = 3_000;
/** Restarts, elections, the loss of every session once, and clocks that were set wrong. */
const RECOVERY_MS = 240_000;
/** Sessions that were lost unnoticed are found by then, and whatever was late has landed. */
const SETTLED_MS = LOST_AFTER_MS + 75_000;
/** A tick, a round trip, and the time a library takes. */
const IDLE_MS_MAX = 8_000;

/** Work left and an agent free that may do it: it runs soon; and at the end everything is done, or dead for a reason. */
export class Liveness {
  readonly #sim: Simulation;
  #quietSinceMs = Number.POSITIVE_INFINITY;
  #idleMs = 0;
  #addAtMs = 0;
  #adding = 0;

  constructor(simulation: Simulation) {
    this.#sim = simulation;
  }

  quiet(): void {
    this.#quietSinceMs = this.#sim.time.nowMs;
  }

  /** Once a second. */
  tick(): void {
    const { time, recorder, world } = this.#sim;
    this.#addFeeds();
    if (time.nowMs < this.#quietSinceMs) return;
    const quietMs = time.nowMs - this.#quietSinceMs;
    if (quietMs > SETTLED_MS) {
      this.#watchIdle();
      this.#watchHosts();
    }
    if (quietMs <= RECOVERY_MS + workMs(world)) return;
    recorder.violate('Everything becomes done or dead', this.#whatIsLeft());
  }

  isAllDone(): boolean {
    return this.#sim.time.nowMs >= this.#quietSinceMs && this.#whatIsLeft() === '';
  }

  #whatIsLeft(): string {
    const { recorder, world, fleet } = this.#sim;
    for (const { feed, episode, key } of allEpisodes(world)) {
      const row = recorder.jobs.get(`${feed}.${episode}`);
      if (row === undefined) return `${key} is not known`;
      const open = STAGES.find((stage) => !isEnded(row, stage));
      if (open !== undefined) return `${key} ${open} is ${JSON.stringify(row.state.stages[open])}`;
    }
    const journalled = fleet.journalled();
    return journalled === 0 ? '' : `${journalled} results wait on disks of agents`;
  }

  #watchIdle(): void {
    const idle = this.#idle();
    this.#idleMs = idle === null ? 0 : this.#idleMs + 1_000;
    if (this.#idleMs > IDLE_MS_MAX)
      this.#sim.recorder.violate('Work left and an agent free: it is running soon', idle ?? '');
  }

  /** A job that waits beside an agent that could do it. */
  #idle(): string | null {
    const { recorder } = this.#sim;
    const rows = [...recorder.jobs.values()];
    // One that kills agents runs alone: others may wait for that.
    if (rows.some(({ state }) => STAGES.some((stage) => hasCanary(state.stages[stage].lock))))
      return null;
    for (const stage of STAGES) {
      const agent = this.#freeAgent(rows, stage);
      const may = (row: JobRow) =>
        this.#isReady(row, stage) && (stage !== 'download' || this.#hostHasRoom(row, rows));
      const waiting = agent === null ? undefined : rows.find(may);
      if (waiting !== undefined)
        return `${waiting.feed}.${waiting.episode} ${stage} beside ${agent}`;
    }
    return null;
  }

  #isReady({ state }: JobRow, stage: Stage): boolean {
    const { lock } = state.stages[stage];
    if (lock.state !== 'free' || whyNotAssignable(state, stage) !== null) return false;
    const wallMs = this.#sim.fleet.coordinators.map(({ process }) => process?.clock.wallMs() ?? 0);
    return lock.notBeforeMs <= Math.min(...wallMs);
  }

  #hostHasRoom({ episode }: JobRow, rows: readonly JobRow[]): boolean {
    const { world, recorder, fleet } = this.#sim;
    const host = must(hostName(this.#hostOf(episode)));
    const wallMs = fleet.coordinators.map(({ process }) => process?.clock.wallMs() ?? 0);
    const state = recorder.hosts.get(host) ?? null;
    const allowed = allowedNow(host, state, hostRulesOf(world), Math.min(...wallMs));
    return this.#asked(host, rows) < allowed;
  }

  #hostOf(episode: string): string {
    const known = allEpisodes(this.#sim.world).find((one) => one.episode === episode);
    return known === undefined ? '' : new URL(known.url).hostname;
  }

  /** Downloads that run at a host. */
  #asked(host: string, rows: readonly JobRow[]): number {
    return rows.filter(
      ({ episode, state }) =>
        state.stages.download.lock.state === 'held' && this.#hostOf(episode) === host,
    ).length;
  }

  /** Leaders that do not know of each other may overdo it for a moment; one that is left alone never does. */
  #watchHosts(): void {
    const { recorder, world } = this.#sim;
    const rows = [...recorder.jobs.values()];
    for (const host of new Set(rows.map(({ episode }) => this.#hostOf(episode)))) {
      const asked = this.#asked(host, rows);
      if (asked > world.hostLimit)
        recorder.violate('A host is asked for no more than it may be', `${asked} run at ${host}`);
    }
  }

  #freeAgent(rows: readonly JobRow[], stage: Stage): string | null {
    const { recorder, fleet } = this.#sim;
    for (const { process, what, host } of fleet.agents) {
      const live = recorder.sessions.get(host.name as Parameters<typeof recorder.sessions.get>[0]);
      if (process === null || process.isDead || !what?.welcomed || what.problem !== null) continue;
      if (live?.record.state !== 'live' || !live.record.boot.startsWith(`${process.name}-`))
        continue;
      const held = rows.filter(({ state }) => {
        const { lock } = state.stages[stage];
        return lock.state === 'held' && lock.session === live.session;
      });
      if (held.length < slotsOf(live.record.slots, stage)) return process.name;
    }
    return null;
  }

  /** An operator adds the feeds, and tries again until they are there. */
  #addFeeds(): void {
    const { time, recorder, world, fleet } = this.#sim;
    const missing = world.feeds.filter(({ feed }) => !recorder.feeds.has(feed));
    if (missing.length === 0 || time.nowMs < this.#addAtMs) return;
    this.#addAtMs = time.nowMs + ADD_EVERY_MS;
    this.#adding += 1;
    const { process, what } = fleet.coordinators[this.#adding % fleet.coordinators.length] ?? {};
    const feeds = missing.map(({ feed, url }) => ({
      ...{ url, title: `The ${feed} show`, bookScore: null, id: feed },
    }));
    process?.enter(() => {
      if (what?.isLoaded()) what.orders.addFeeds(feeds).catch(() => {});
    });
  }
}

function isEnded({ state }: Pick<JobRow, 'state'>, stage: Stage): boolean {
  const { lock, done, wanted } = state.stages[stage];
  if (lock.state === 'dead') return true;
  // Nothing will come of it: what it works on is dead.
  const input = STAGE_INPUT[stage];
  if (input !== null && done === null && state.stages[input].done === null)
    if (isEnded({ state }, input)) return true;
  return lock.state === 'free' && (done?.run ?? 0) >= wanted;
}

function hasCanary(lock: JobRow['state']['stages']['download']['lock']): boolean {
  return lock.state !== 'dead' && isCanary(lock.lostBy);
}
