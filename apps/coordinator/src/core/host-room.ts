import type { HostName } from '@podctl/domain/host-name.ts';
import { allowedNow, type HostRules } from '@podctl/domain/host-state.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { downloadHost, isMixed } from './episode-hosts.ts';
import type { HostPace } from './host-pace.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Why no download of a feed may begin, though an agent is free:
 *   cooling  its host asked for patience
 *   full     as many run there as may
 *   paced    as many began there within the last second as may
 *   unknown  nobody has looked yet which host it is
 */
export type HostWait = 'cooling' | 'full' | 'paced' | 'unknown';

/** What a plan may give to the hosts. */
export interface PlannedHosts {
  /** Of a feed, and of an episode of one that has several; null: none that is to be spared. Undefined: not known yet. */
  hostOf(feed: FeedId, episode: EpisodeId | null): HostName | null | undefined;
  /** Whether its episodes have several; absent: no feed's have. */
  isMixed?(feed: FeedId): boolean;
  room(host: HostName): HostRoom;
}

/** `downloads`: how many may begin; `wait`: why not more. */
export interface HostRoom {
  readonly downloads: number;
  readonly wait: Exclude<HostWait, 'unknown'>;
}

/** Feeds whose host is looked for after one plan. */
const UNKNOWN_MAX = 64;

/** What is given to hosts while a plan is made. */
export class HostGate {
  readonly #hosts: PlannedHosts;
  readonly #rooms = new Map<HostName, { downloads: number; wait: HostWait }>();
  readonly waiting = new Map<FeedId, HostWait>();
  readonly unknown: FeedId[] = [];

  constructor(hosts: PlannedHosts) {
    this.#hosts = hosts;
  }

  /** Whether a download of the feed may begin, whichever. What it answers no to stays so until the plan is made. */
  admits(feed: FeedId): boolean {
    return this.#hosts.isMixed?.(feed) === true || this.#admits(feed, null);
  }

  /** The same of one episode, of a feed that may. */
  admitsEpisode(feed: FeedId, episode: EpisodeId): boolean {
    return this.#hosts.isMixed?.(feed) !== true || this.#admits(feed, episode);
  }

  #admits(feed: FeedId, episode: EpisodeId | null): boolean {
    const host = this.#hosts.hostOf(feed, episode);
    if (host === null) return true;
    if (host === undefined) {
      this.waiting.set(feed, 'unknown');
      if (this.unknown.length < UNKNOWN_MAX) this.unknown.push(feed);
      return false;
    }
    const { downloads, wait } = this.#room(host);
    if (downloads > 0) return true;
    this.waiting.set(feed, wait);
    return false;
  }

  take(feed: FeedId, episode: EpisodeId): void {
    const host = this.#hosts.hostOf(feed, episode);
    if (host != null) this.#room(host).downloads -= 1;
  }

  #room(host: HostName) {
    const known = this.#rooms.get(host);
    if (known !== undefined) return known;
    const room = { ...this.#hosts.room(host) };
    this.#rooms.set(host, room);
    return room;
  }
}

/** Downloads that run now, by host. Counted from the locks, so that each leader knows them at once. */
export function downloadsByHost(snapshot: Snapshot): ReadonlyMap<HostName, number> {
  const counts = new Map<HostName, number>();
  for (const { feed, episode, stage, lock } of snapshot.locks.values()) {
    if (stage !== 'download' || lock.state !== 'held') continue;
    const host = downloadHost(snapshot, feed, episode) ?? null;
    if (host !== null) counts.set(host, (counts.get(host) ?? 0) + 1);
  }
  return counts;
}

/** What may begin at the hosts now, for all agents together. */
export function plannedHosts(
  snapshot: Snapshot,
  rules: HostRules,
  pace: HostPace,
  nowMs: number,
): PlannedHosts {
  const running = downloadsByHost(snapshot);
  return {
    hostOf: (feed, episode) => downloadHost(snapshot, feed, episode),
    isMixed: (feed) => isMixed(snapshot, feed),
    room: (host) => {
      const state = snapshot.hosts.get(host)?.record ?? null;
      const allowed = allowedNow(host, state, rules, nowMs);
      if (allowed === 0) return { downloads: 0, wait: 'cooling' };
      const free = Math.max(0, allowed - (running.get(host) ?? 0));
      const starts = Math.max(0, pace.left(host, nowMs));
      return starts < free
        ? { downloads: starts, wait: 'paced' }
        : { downloads: free, wait: 'full' };
    },
  };
}
