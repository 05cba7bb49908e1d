import type { Agent } from '@podctl/proto/podctl/v1/agent.ts';
import type { Feed } from '@podctl/proto/podctl/v1/feed.ts';
import type { Overview, WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import { agentViews, feedView, type Picture, totals } from '../core/view.ts';
import type { FleetInfo, LoggedEvent } from '../shell/fleet.ts';
import { agentMessage } from './agent-map.ts';
import { durationOf } from './duration-map.ts';
import { eventMessage } from './event-map.ts';
import { feedMessage } from './feed-map.ts';
import { overviewMessage } from './overview-map.ts';
import { sameMessage } from './same-message.ts';
import { dateOf } from './time-map.ts';
import { VersionedRows } from './versioned-rows.ts';
import { type WatchPlace, watchPlaceOf, watchToken } from './watch-token.ts';

export type WatchMessage = WatchResponse;

/**
 * What watchers see, mapped once for all of them. Each refresh that finds a change raises the version, and each message
 * keeps the version of its last change: a watcher has to remember one number, however far behind it is, and whoever comes
 * back with its number is told only what changed since.
 */
export class WatchFrame {
  #version = 0;
  #newestEvent = 0;
  #coordinator = '';
  /** Monotonic: when NATS was last heard before the last refresh. */
  #heardAtMs = 0;
  #overview: Overview | undefined;
  readonly #feeds = new VersionedRows<Feed>(({ feedId }) => feedId);
  readonly #agents = new VersionedRows<Agent>(({ agentId }) => agentId);

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
      this.#feeds.update(feeds, next),
      this.#agents.update(agents, next),
      !sameMessage({ ...overview, asOf: undefined }, { ...this.#overview, asOf: undefined }, 0),
      newestEvent !== this.#newestEvent,
    ];
    this.#overview = overview;
    this.#newestEvent = newestEvent;
    this.#coordinator = info.coordinator;
    this.#heardAtMs = picture.now.monotonicMs - info.stateAgeMs;
    if (changed.includes(true)) this.#version = next;
  }

  /** Whether a delta from this version on would tell everything. */
  knows(version: number): boolean {
    const floor = Math.max(this.#feeds.floor, this.#agents.floor);
    return version >= floor && version <= this.#version;
  }

  /** The place that a token of this very frame names; null for any other: only a snapshot tells its owner everything. */
  placeOf(token: string): Pick<WatchPlace, 'version' | 'newestEvent'> | null {
    const place = watchPlaceOf(token);
    if (place === null || place.coordinator !== this.#coordinator) return null;
    return this.knows(place.version) && place.newestEvent <= this.#newestEvent ? place : null;
  }

  snapshot(sequence: number, events: readonly LoggedEvent[], nowMs: number): WatchMessage {
    const value = { ...this.#since(0), events: events.map(eventMessage) };
    return {
      ...this.#head(sequence, nowMs - this.#heardAtMs),
      message: { $case: 'snapshot', value },
    };
  }

  delta(
    sequence: number,
    version: number,
    events: readonly LoggedEvent[],
    eventsDropped: number,
    nowMs: number,
  ): WatchMessage {
    const removed = {
      feedIds: this.#feeds.removedSince(version),
      agentIds: this.#agents.removedSince(version),
    };
    const isRemoved = removed.feedIds.length + removed.agentIds.length > 0;
    const value = {
      ...this.#since(version),
      events: events.map(eventMessage),
      eventsDropped: BigInt(eventsDropped),
      ...(isRemoved ? { removed } : {}),
    };
    return { ...this.#head(sequence, nowMs - this.#heardAtMs), message: { $case: 'delta', value } };
  }

  /** `stateAgeMs` as of now: the frame may have been refreshed a while ago. */
  heartbeat(
    sequence: number,
    seen: Pick<WatchPlace, 'version' | 'newestEvent'>,
    { wallMs, stateAgeMs, everyMs }: WatchPulse,
  ): WatchMessage {
    const value = { at: dateOf(wallMs), every: durationOf(everyMs) };
    const head = this.#head(sequence, stateAgeMs, seen);
    return { ...head, message: { $case: 'heartbeat', value } };
  }

  #head(
    sequence: number,
    stateAgeMs: number,
    { version, newestEvent }: Pick<WatchPlace, 'version' | 'newestEvent'> = this,
  ) {
    return {
      sequence: BigInt(sequence),
      resumeToken: watchToken({ coordinator: this.#coordinator, version, newestEvent }),
      stateAge: durationOf(Math.max(0, stateAgeMs)),
    };
  }

  #since(version: number) {
    return {
      overview: this.#overview,
      feeds: this.#feeds.since(version),
      agents: this.#agents.since(version),
    };
  }
}

export interface WatchPulse {
  readonly wallMs: number;
  readonly stateAgeMs: number;
  /** How often heartbeats come at least. */
  readonly everyMs: number;
}
