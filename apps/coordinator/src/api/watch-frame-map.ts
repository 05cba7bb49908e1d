import type { Agent } from '@podctl/proto/podctl/v1/agent.ts';
import type { Feed } from '@podctl/proto/podctl/v1/feed.ts';
import type { Overview, WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import { agentViews, feedView, type Picture, totals } from '../core/view.ts';
import type { FleetInfo, LoggedEvent } from '../shell/fleet.ts';
import { agentMessage } from './agent-map.ts';
import { eventMessage } from './event-map.ts';
import { feedMessage } from './feed-map.ts';
import { overviewMessage } from './overview-map.ts';
import { sameMessage } from './same-message.ts';
import { dateOf } from './time-map.ts';

export type WatchMessage = WatchResponse;

/** Moments of unmoved things come out a little off each time. */
const MOMENTS_MS = 1_000;

interface Versioned<T> {
  readonly message: T;
  /** The frame's version at which it became so. */
  readonly version: number;
}

/**
 * What watchers see, mapped once for all of them. Each refresh that finds a change raises the version, and each message
 * keeps the version of its last change: a watcher has to remember one number, however far behind it is.
 */
export class WatchFrame {
  #version = 0;
  #newestEvent = 0;
  #overview: Overview | undefined;
  readonly #feeds = new Map<string, Versioned<Feed>>();
  readonly #agents = new Map<string, Versioned<Agent>>();

  get version(): number {
    return this.#version;
  }

  /** Events up to this one go with this frame: later ones tell of what it does not show yet. */
  get newestEvent(): number {
    return this.#newestEvent;
  }

  refresh(picture: Picture, info: FleetInfo, newestEvent: number): void {
    const next = this.#version + 1;
    const feeds = wantedFeeds(picture.snapshot).map((row) => feedMessage(feedView(picture, row)));
    const agents = agentViews(picture).map(agentMessage);
    const overview = overviewMessage(totals(picture), info);
    const changed = [
      update(this.#feeds, feeds, ({ feedId }) => feedId, next),
      update(this.#agents, agents, ({ agentId }) => agentId, next),
      !sameMessage({ ...overview, asOf: undefined }, { ...this.#overview, asOf: undefined }, 0),
      newestEvent !== this.#newestEvent,
    ];
    this.#overview = overview;
    this.#newestEvent = newestEvent;
    if (changed.includes(true)) this.#version = next;
  }

  snapshot(sequence: number, events: readonly LoggedEvent[]): WatchMessage {
    const value = { ...this.#since(0), events: events.map(eventMessage) };
    return { sequence: BigInt(sequence), message: { $case: 'snapshot', value } };
  }

  delta(
    sequence: number,
    version: number,
    events: readonly LoggedEvent[],
    eventsDropped: number,
  ): WatchMessage {
    const value = {
      ...this.#since(version),
      events: events.map(eventMessage),
      eventsDropped: BigInt(eventsDropped),
    };
    return { sequence: BigInt(sequence), message: { $case: 'delta', value } };
  }

  #since(version: number) {
    return {
      overview: this.#overview,
      feeds: newer(this.#feeds, version).sort((a, b) => compare(a.feedId, b.feedId)),
      agents: newer(this.#agents, version).sort((a, b) => compare(a.agentId, b.agentId)),
    };
  }
}

export function heartbeatMessage(sequence: number, wallMs: number): WatchMessage {
  return {
    sequence: BigInt(sequence),
    message: { $case: 'heartbeat', value: { at: dateOf(wallMs) } },
  };
}

/** Keeps the older message where nothing changed, so that slow drift adds up until it shows. */
function update<T>(
  known: Map<string, Versioned<T>>,
  messages: readonly T[],
  idOf: (message: T) => string,
  version: number,
): boolean {
  let changed = false;
  for (const message of messages) {
    const id = idOf(message);
    const before = known.get(id);
    if (before !== undefined && sameMessage(before.message, message, MOMENTS_MS)) continue;
    known.set(id, { message, version });
    changed = true;
  }
  return changed;
}

function newer<T>(known: ReadonlyMap<string, Versioned<T>>, version: number): T[] {
  return [...known.values()]
    .filter((entry) => entry.version > version)
    .map(({ message }) => message);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
