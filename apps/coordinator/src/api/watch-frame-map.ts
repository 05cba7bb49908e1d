import type { Agent } from '@podctl/proto/podctl/v1/agent.ts';
import type { Feed } from '@podctl/proto/podctl/v1/feed.ts';
import type { Overview, WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { ChangedFeeds } from '../core/changed-feeds.ts';
import { wantedFeeds } from '../core/snapshot.ts';
import { agentViews, feedState, feedView, type Picture, totals } from '../core/view.ts';
import type { EventOrigin } from '../shell/event-record.ts';
import type { EventSource, FleetInfo } from '../shell/fleet.ts';
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
/** What is the same for all who have seen the same: one object, so that it is encoded once. */
type WatchBody = Exclude<WatchMessage['message'], undefined>;

const SNAPSHOT_EVENTS_MAX = 100;
const DELTA_EVENTS_MAX = 500;
/** Nearly all watchers have seen one of a few versions; who comes back has seen any. */
const BODIES_MAX = 16;

/**
 * What watchers see, mapped once for all of them. Each refresh that finds a change raises the version, and each message
 * keeps the version of its last change: a watcher has to remember one number, however far behind it is, and whoever comes
 * back with its number is told only what changed since.
 */
export class WatchFrame {
  #version = 0;
  #newestEvent = 0;
  #origin: EventOrigin = { cluster: '', coordinator: '' };
  /** Monotonic: when NATS was last heard before the last refresh. */
  #heardAtMs = 0;
  #overview: Overview | undefined;
  readonly #changedFeeds = new ChangedFeeds();
  /** Of this frame only, by what their watchers have seen. */
  readonly #bodies = new Map<string, WatchBody>();
  readonly #feeds = new VersionedRows<Feed>(({ feedId }) => feedId);
  readonly #agents = new VersionedRows<Agent>(({ agentId }) => agentId);

  get version(): number {
    return this.#version;
  }

  /** Events up to this one go with this frame. */
  get newestEvent(): number {
    return this.#newestEvent;
  }

  refresh(picture: Picture, info: FleetInfo, newestEvent: number): void {
    const next = this.#version + 1;
    const rows = wantedFeeds(picture.snapshot);
    const states = rows.map((row) => feedState(picture, row));
    const feeds = this.#changedFeeds
      .look(rows, states, picture.now.monotonicMs)
      .map((row) => feedMessage(feedView(picture, row)));
    const agents = agentViews(picture).map(agentMessage);
    const overview = overviewMessage(totals(picture, rows, states), info);
    const changed = [
      this.#feeds.merge(feeds, rows.length, () => rows.map(({ id }) => id), next),
      this.#agents.update(agents, next),
      !sameMessage({ ...overview, asOf: undefined }, { ...this.#overview, asOf: undefined }, 0),
      newestEvent !== this.#newestEvent,
    ];
    this.#overview = overview;
    this.#newestEvent = newestEvent;
    this.#origin = { cluster: info.cluster, coordinator: info.coordinator };
    this.#heardAtMs = picture.now.monotonicMs - info.stateAgeMs;
    this.#bodies.clear();
    if (changed.includes(true)) this.#version = next;
  }

  /** Whether a delta from this version on would tell everything. */
  knows(version: number): boolean {
    const floor = Math.max(this.#feeds.floor, this.#agents.floor);
    return version >= floor && version <= this.#version;
  }

  /** The place that a token of this very frame names; null for any other: only a snapshot tells its owner everything. */
  placeOf(token: string): WatchSeen | null {
    const place = watchPlaceOf(token);
    if (place === null || place.coordinator !== this.#origin.coordinator) return null;
    return this.knows(place.version) && place.newestEvent <= this.#newestEvent ? place : null;
  }

  snapshot(sequence: number, source: EventSource, nowMs: number): WatchMessage {
    const message = this.#shared('snapshot', () => {
      const events = this.#eventsAfter(source, 0, SNAPSHOT_EVENTS_MAX);
      return { $case: 'snapshot', value: { ...this.#since(0), events } };
    });
    return { ...this.#head(sequence, nowMs - this.#heardAtMs), message };
  }

  /** What changed since a watcher was at this place. */
  delta(sequence: number, seen: WatchSeen, source: EventSource, nowMs: number): WatchMessage {
    const message = this.#shared(`${seen.version}/${seen.newestEvent}`, () => ({
      $case: 'delta',
      value: this.#changesSince(seen, source),
    }));
    return { ...this.#head(sequence, nowMs - this.#heardAtMs), message };
  }

  #changesSince({ version, newestEvent }: WatchSeen, source: EventSource) {
    const events = this.#eventsAfter(source, newestEvent, DELTA_EVENTS_MAX);
    const removed = {
      feedIds: this.#feeds.removedSince(version),
      agentIds: this.#agents.removedSince(version),
    };
    const isRemoved = removed.feedIds.length + removed.agentIds.length > 0;
    return {
      ...this.#since(version),
      events,
      eventsDropped: BigInt(this.#newestEvent - newestEvent - events.length),
      ...(isRemoved ? { removed } : {}),
    };
  }

  /** Later events tell of what this frame does not show yet. */
  #eventsAfter(source: EventSource, sequence: number, limit: number) {
    return source
      .after(sequence, limit)
      .filter((event) => event.sequence <= this.#newestEvent)
      .map((event) => eventMessage(event, this.#origin));
  }

  #shared(seen: string, make: () => WatchBody): WatchBody {
    const known = this.#bodies.get(seen);
    if (known !== undefined) return known;
    const body = make();
    if (this.#bodies.size >= BODIES_MAX) this.#bodies.clear();
    this.#bodies.set(seen, body);
    return body;
  }

  /** `stateAgeMs` as of now: the frame may have been refreshed a while ago. */
  heartbeat(
    sequence: number,
    seen: WatchSeen,
    { wallMs, stateAgeMs, everyMs }: WatchPulse,
  ): WatchMessage {
    const value = { at: dateOf(wallMs), every: durationOf(everyMs) };
    const head = this.#head(sequence, stateAgeMs, seen);
    return { ...head, message: { $case: 'heartbeat', value } };
  }

  #head(sequence: number, stateAgeMs: number, { version, newestEvent }: WatchSeen = this) {
    return {
      sequence: BigInt(sequence),
      resumeToken: watchToken({ coordinator: this.#origin.coordinator, version, newestEvent }),
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

/** Up to what somebody was told. */
export type WatchSeen = Pick<WatchPlace, 'version' | 'newestEvent'>;

export interface WatchPulse {
  readonly wallMs: number;
  readonly stateAgeMs: number;
  /** How often heartbeats come at least. */
  readonly everyMs: number;
}
