import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import type { Candidate, PlannedAgent, PlannedFeed } from './plan.ts';

/** An agent whose slots are full, after the plan. */
export interface FullAgent {
  readonly agent: PlannedAgent;
  /** So many more may be given to it ahead. */
  room: number;
}

export interface AheadSource {
  /** In the order of transcription. */
  readonly feeds: readonly PlannedFeed[];
  /** The next job of a feed; null: it has none any more. kept: it may not be held ahead, and this agent's slot is to come free for it. */
  next(feed: PlannedFeed, to: FullAgent): Candidate | 'kept' | null;
  /** What the feed was given in this plan. */
  given(feed: FeedId): number;
  /** What an agent works on, by feed, after this plan. */
  worksOn(agent: AgentId): readonly FeedId[];
  /** How many workers the feed may have while others wait. */
  cap(feed: PlannedFeed): number;
  give(feed: PlannedFeed, candidate: Candidate, agent: PlannedAgent): void;
}

/** It was never lost, and failed with nobody. */
export function mayBeHeldAhead({ lostBy, failedWith = [] }: Candidate): boolean {
  return lostBy.length === 0 && failedWith.length === 0;
}

/** Of those with room that may have a job the one whose slot is to come free for it: with another one it failed, if it can be. */
export function keeperOf(
  full: readonly FullAgent[],
  able: readonly PlannedAgent[],
  failedWith: readonly AgentId[] = [],
): FullAgent | null {
  const roomy = full.filter(({ agent, room }) => room > 0 && able.includes(agent));
  return roomy.find(({ agent }) => !failedWith.includes(agent.agent)) ?? roomy[0] ?? null;
}

/**
 * Gives agents whose slots are full what they will most likely do next: the job that they would be given if what they do had
 * just ended. So the order of feeds is the same as without, only told earlier. One each in turn, since who comes free first is
 * not known. A job that was lost with an agent is never given ahead: it would be blamed for what runs before it. Where it
 * comes next, an agent is given nothing, so that its slot comes free for it: else it would wait behind all other work.
 */
export function planAhead(full: readonly FullAgent[], source: AheadSource): void {
  let feeds = [...source.feeds];
  const added = new Map<FeedId, number>();
  const through = new Set<FeedId>();
  const give = (feed: PlannedFeed, to: FullAgent): boolean => {
    const next = source.next(feed, to);
    if (next === null) {
      through.add(feed.feed);
      return false;
    }
    if (next !== 'kept') source.give(feed, next, to.agent);
    added.set(feed.feed, (added.get(feed.feed) ?? 0) + 1);
    to.room = next === 'kept' ? 0 : to.room - 1;
    return true;
  };
  const count = ({ feed, running, ahead = 0 }: PlannedFeed) =>
    running.transcribe + ahead + source.given(feed) + (added.get(feed) ?? 0);
  const isUrgent = (feed: PlannedFeed) =>
    feed.urgent.transcribe > source.given(feed.feed) + (added.get(feed.feed) ?? 0);
  const nextFor = (to: FullAgent): boolean => {
    const works = source.worksOn(to.agent.agent);
    const ends = ({ feed }: PlannedFeed) => (works.every((each) => each === feed) ? 1 : 0);
    const isBelow = (feed: PlannedFeed) => count(feed) - ends(feed) < source.cap(feed);
    for (const wants of [isUrgent, isBelow, () => true])
      for (const feed of feeds)
        if (!through.has(feed.feed) && wants(feed) && give(feed, to)) return true;
    return false;
  };
  for (let open = full.filter(({ room }) => room > 0); open.length > 0; ) {
    for (const to of open) if (to.room > 0 && !nextFor(to)) return;
    open = open.filter(({ room }) => room > 0);
    feeds = feeds.filter(({ feed }) => !through.has(feed));
  }
}
