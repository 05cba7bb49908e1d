import type { AgentId, EpisodeId, FeedId, SessionId } from '@podctl/domain/ids.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Assignment,
  type Candidate,
  type PlanLimits,
  type PlannedAgent,
  type PlannedFeed,
  plan,
  wholePlan,
} from './plan.ts';

const LIMITS: PlanLimits = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  multiWorkerMinEpisodes: 50,
  feedShareMax: 1,
};

function feed(id: string, lostBy: readonly AgentId[][], part: Partial<PlannedFeed> = {}) {
  const heads = lostBy.map((lost, i) => ({
    episode: `${id}-${i}` as EpisodeId,
    revision: i + 1,
    lostBy: lost,
  }));
  const running = part.running ?? { download: 0, transcribe: 0, score: 0 };
  return {
    feed: id as FeedId,
    priority: 0,
    urgent: { download: 0, transcribe: 0, score: 0 },
    bookScore: 3,
    running,
    ahead: 0,
    remaining: { download: 0, transcribe: heads.length + running.transcribe, score: 0 },
    heads: { download: [], transcribe: heads, score: [] },
    ...part,
  } satisfies PlannedFeed;
}

function agent(id: string, slots: number, running: number, max: number, waiting = 0) {
  return {
    agent: id as AgentId,
    session: 1 as SessionId,
    slots: { download: 0, transcribe: slots, score: 0 },
    running: { download: 0, transcribe: running, score: 0 },
    runsCanary: false,
    ahead: { max, waiting, worksOn: Array.from({ length: running }, () => 'other' as FeedId) },
  } satisfies PlannedAgent;
}

function fleet(agents: readonly PlannedAgent[], feeds: readonly PlannedFeed[]) {
  const transcribe = agents.reduce((sum, { running }) => sum + running.transcribe, 0);
  return { agents, feeds, running: { download: 0, transcribe, score: 0 } };
}

const headsOf = (transcribe: readonly Candidate[]) => ({ download: [], transcribe, score: [] });
const none = (count: number): AgentId[][] => Array.from({ length: count }, () => []);

const views = fc
  .record({
    agents: fc.array(fc.tuple(fc.nat(3), fc.nat(3), fc.nat(2), fc.nat(2)), { maxLength: 4 }),
    feeds: fc.array(fc.array(fc.constantFrom<AgentId[]>([], ['a0' as AgentId]), { maxLength: 8 }), {
      maxLength: 4,
    }),
  })
  .map(({ agents, feeds }) =>
    fleet(
      agents.map(([slots, running, max, waiting], i) =>
        agent(
          `a${i}`,
          slots,
          Math.min(slots, running),
          max,
          running < slots ? 0 : Math.min(max, waiting),
        ),
      ),
      feeds.map((lost, i) => feed(`f${i}`, lost)),
    ),
  );
const limits = fc.constantFrom<PlanLimits>(LIMITS, { ...LIMITS, transcribersMax: 3 });

/** What a plan gives an agent that its slots do not hold. */
function beyondSlots({ agent: id, slots, running }: PlannedAgent, given: readonly Assignment[]) {
  const mine = given.filter((one) => one.agent === id);
  const beyond = running.transcribe + mine.length - slots.transcribe;
  return beyond > 0 ? mine.slice(-beyond) : [];
}

function lostBy(feeds: readonly PlannedFeed[], { feed: of, episode }: Assignment) {
  const heads = feeds.find((row) => row.feed === of)?.heads.transcribe ?? [];
  return [...heads].find((one) => one.episode === episode)?.lostBy;
}

describe('what is given ahead, in any plan', () => {
  it('comes after all that can begin, which is the same as without', () => {
    fc.assert(
      fc.property(views, limits, (view, max) => {
        const without = view.agents.map(({ ahead: _, ...rest }) => rest);
        const begins = plan({ ...view, agents: without }, max);
        expect(plan(view, max).slice(0, begins.length)).toEqual(begins);
      }),
      { numRuns: 300 },
    );
  });

  it('goes to agents whose slots are full, as much as they may hold, and was never lost', () => {
    fc.assert(
      fc.property(views, limits, (view, max) => {
        const given = plan(view, max);
        for (const row of view.agents) {
          const beyond = beyondSlots(row, given);
          const room = (row.ahead?.max ?? 0) - (row.ahead?.waiting ?? 0);
          expect(beyond.length).toBeLessThanOrEqual(Math.max(0, room));
          for (const one of beyond) expect(lostBy(view.feeds, one)).toEqual([]);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('leaves room beside work that was never lost only for lost work', () => {
    fc.assert(
      fc.property(views, (view) => {
        const given = plan(view, LIMITS);
        const roomy = view.agents.filter(({ agent: id, slots, running, ahead }) => {
          const mine = given.filter((one) => one.agent === id).length;
          const held = running.transcribe + mine + (ahead?.waiting ?? 0);
          return slots.transcribe > 0 && held < slots.transcribe + (ahead?.max ?? 0);
        });
        const given2 = new Set(given.map(({ episode }) => episode));
        const left = view.feeds
          .flatMap(({ heads }) => [...heads.transcribe])
          .filter(({ episode, lostBy }) => lostBy.length === 0 && !given2.has(episode));
        const lost = view.feeds
          .flatMap(({ heads }) => [...heads.transcribe])
          .filter(({ lostBy }) => lostBy.length > 0);
        if (roomy.length > lost.length) expect(left).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('what is given ahead', () => {
  it('is the next of the feed that would come next if what runs had ended', () => {
    const works = { max: 1, waiting: 0, worksOn: ['most' as FeedId] };
    const busy = { ...agent('a1', 1, 1, 1), ahead: works };
    const running = { download: 0, transcribe: 1, score: 0 };
    const view = fleet([busy], [feed('few', none(3)), feed('most', none(9), { running })]);
    expect(plan(view, LIMITS)).toMatchObject([{ feed: 'most', agent: 'a1' }]);
  });

  it('is another feed’s where this one has its worker elsewhere', () => {
    const running = { download: 0, transcribe: 1, score: 0 };
    const view = fleet(
      [agent('a1', 1, 1, 1)],
      [feed('few', none(3)), feed('most', none(9), { running })],
    );
    expect(plan(view, LIMITS)).toMatchObject([{ feed: 'few' }]);
  });

  it('is what somebody asked for, before all else', () => {
    const urgent = { download: 0, transcribe: 1, score: 0 };
    const view = fleet(
      [agent('a1', 1, 1, 1)],
      [feed('asked', none(1), { urgent }), feed('most', none(9))],
    );
    expect(plan(view, LIMITS)).toMatchObject([{ feed: 'asked' }]);
  });

  it('is nothing while more run than the fleet may have', () => {
    const view = fleet([agent('a1', 2, 2, 2)], [feed('most', none(9))]);
    expect(plan(view, { ...LIMITS, transcribersMax: 1 })).toEqual([]);
    expect(plan(view, { ...LIMITS, transcribersMax: 2 })).toHaveLength(2);
  });

  it.each([
    ['was lost with an agent', { lostBy: ['a9'] as AgentId[] }],
    ['was lost with two', { lostBy: ['a8', 'a9'] as AgentId[] }],
    ['was lost with this very agent', { lostBy: ['a1'] as AgentId[] }],
    ['failed with it', { lostBy: [], failedWith: ['a1'] as AgentId[] }],
  ])('keeps no job that %s waiting for ever', (_, before) => {
    const plain = feed('f', none(9)).heads.transcribe;
    let heads: Candidate[] = [{ episode: 'lost' as EpisodeId, revision: 99, ...before }, ...plain];
    let [running, waiting] = [1, 0];
    const order: EpisodeId[] = [];
    for (let ended = 0; ended < 4; ended += 1) {
      const busy = agent('a1', 1, running, 1, waiting);
      const given = plan(fleet([busy], [{ ...feed('f', []), heads: headsOf(heads) }]), LIMITS);
      order.push(...given.map(({ episode }) => episode));
      heads = heads.filter(({ episode }) => !order.includes(episode));
      const held = running + waiting + given.length;
      [running, waiting] = [Math.min(1, held - 1), Math.max(0, held - 2)];
    }
    expect(order).toContain('lost');
  });

  it('is told with the slots that stay free', () => {
    const view = fleet([agent('a1', 3, 1, 1)], [feed('few', none(1))]);
    expect(wholePlan(view, LIMITS).free).toBe(1);
  });
});
