import type { AgentView } from '../views/agent-map.ts';
import type { FeedView } from '../views/feed-map.ts';
import type { EventView, OverviewView, WatchMessage } from '../views/fleet-map.ts';

/** What a watcher knows. Pure: `applied` gives the next one. */
export interface WatchState {
  /** Null until the first snapshot. */
  readonly overview: OverviewView | null;
  readonly feeds: ReadonlyMap<string, FeedView>;
  readonly agents: ReadonlyMap<string, AgentView>;
  /** Newest last, EVENTS_MAX at most. */
  readonly events: readonly EventView[];
  /** Sequence of the last message; 0: the next begins a stream that goes on; null: the next must be a snapshot. */
  readonly sequence: bigint | null;
  /** Epoch milliseconds at which the stream was heard last; null: never. */
  readonly heardAtMs: number | null;
  /** What the next stream may begin with; empty or absent: nothing. */
  readonly resumeToken?: string;
  /** How old the coordinator's own state was then; absent: not told. */
  readonly stateAgeMs?: number;
}

export const EVENTS_MAX = 100;

export const emptyWatch: WatchState = {
  overview: null,
  feeds: new Map(),
  agents: new Map(),
  events: [],
  sequence: null,
  heardAtMs: null,
};

export type Applied =
  /** `news`: the events that were not known before, oldest first. */
  | { readonly kind: 'applied'; readonly state: WatchState; readonly news: readonly EventView[] }
  /** A message was missed: open the stream anew. */
  | { readonly kind: 'gap'; readonly state: WatchState };

export function applied(state: WatchState, message: WatchMessage, nowMs: number): Applied {
  const heard = {
    ...state,
    sequence: message.sequence,
    heardAtMs: nowMs,
    resumeToken: message.resumeToken ?? '',
    stateAgeMs: message.stateAgeMs ?? 0,
  };
  if (message.kind === 'snapshot') {
    const { overview, feeds, agents, events } = message.changes;
    return {
      kind: 'applied',
      state: {
        ...heard,
        overview,
        feeds: byKey(feeds, (feed) => feed.feedId),
        agents: byKey(agents, (agent) => agent.agentId),
        events: events.slice(-EVENTS_MAX),
      },
      news: newsIn(state, events),
    };
  }
  if (state.sequence === null || message.sequence !== state.sequence + 1n)
    return { kind: 'gap', state: { ...state, sequence: null, resumeToken: '' } };
  if (message.kind === 'heartbeat') return { kind: 'applied', state: heard, news: [] };
  const { overview, feeds, agents, events, removed } = message.changes;
  return {
    kind: 'applied',
    state: {
      ...heard,
      overview: overview ?? state.overview,
      feeds: merged(without(state.feeds, removed?.feedIds), feeds, (feed) => feed.feedId),
      agents: merged(without(state.agents, removed?.agentIds), agents, (agent) => agent.agentId),
      events: [...state.events, ...events].slice(-EVENTS_MAX),
    },
    news: events,
  };
}

/** A stream that ended: what was seen stays, and ages. The next one may go on where it ended. */
export function disconnected(state: WatchState): WatchState {
  return { ...state, sequence: (state.resumeToken ?? '') === '' ? null : 0n };
}

/** How old what is shown may be, by what was heard last: the silence since, and what the coordinator had not heard then. */
export function shownAgeMs(
  { heardAtMs, stateAgeMs = 0 }: WatchState,
  nowMs: number,
): number | null {
  return heardAtMs === null ? null : Math.max(0, nowMs - heardAtMs) + stateAgeMs;
}

/** Events of a snapshot that came after the newest known one; a coordinator that started anew counts from 1 again. */
function newsIn(state: WatchState, events: readonly EventView[]): readonly EventView[] {
  const last = state.events.at(-1);
  if (last === undefined) return events;
  const same = events.findIndex(
    (event) => event.sequence === last.sequence && event.at === last.at,
  );
  if (same >= 0) return events.slice(same + 1);
  return events.filter((event) => (event.at ?? '') > (last.at ?? ''));
}

function byKey<T>(items: readonly T[], key: (item: T) => string): ReadonlyMap<string, T> {
  return new Map(items.map((item) => [key(item), item]));
}

function without<T>(
  known: ReadonlyMap<string, T>,
  removed: readonly string[] = [],
): ReadonlyMap<string, T> {
  if (removed.length === 0) return known;
  const gone = new Set(removed);
  return new Map([...known].filter(([id]) => !gone.has(id)));
}

function merged<T>(
  known: ReadonlyMap<string, T>,
  changed: readonly T[],
  key: (item: T) => string,
): ReadonlyMap<string, T> {
  if (changed.length === 0) return known;
  const next = new Map(known);
  for (const item of changed) next.set(key(item), item);
  return next;
}
