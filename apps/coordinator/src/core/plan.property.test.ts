import type { AgentId, EpisodeId, FeedId, SessionId } from '@podctl/domain/ids.ts';
import { isCanary as isCanaryJob } from '@podctl/domain/retry.ts';
import { slotsOf } from '@podctl/domain/session.ts';
import { byStage, STAGES, type Stage } from '@podctl/domain/stage.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Assignment,
  type Candidate,
  type PlanLimits,
  type PlannedAgent,
  type PlannedFeed,
  type PlanView,
  plan,
} from './plan.ts';
import { transcribersMax } from './rank.ts';

const agentIds = ['a1', 'a2', 'a3', 'a4'] as AgentId[];
const slots = fc.record(byStage(() => fc.nat(3)));

/** Views whose counts fit together; heads lost with up to `lossesMax` agents; canaries run only where that is 2 or more. */
function views(lossesMax: number): fc.Arbitrary<PlanView> {
  const lostBy = fc.oneof(
    { weight: 2, arbitrary: fc.constant<AgentId[]>([]) },
    fc.subarray([...agentIds, 'gone' as AgentId], { maxLength: lossesMax }),
  );
  const heads = fc.record(byStage(() => fc.array(lostBy, { maxLength: 6 })));
  const feeds = fc.array(
    fc.record({
      bookScore: fc.integer({ min: 1, max: 4 }),
      heads,
      unseen: fc.nat(120),
    }),
    { minLength: 1, maxLength: 5 },
  );
  const agents = fc
    .subarray(agentIds)
    .chain((ids) => fc.tuple(...ids.map((id) => agentOf(id, lossesMax >= 2))));
  return fc.tuple(feeds, agents, fc.nat(4), slots).map(([rows, all, shift, elsewhere]) => ({
    agents: all,
    // Feeds that get nothing now run jobs, too: on these agents or on lost ones.
    running: byStage((stage) => runs(all, stage) + elsewhere[stage]),
    feeds: rows.map((row, i) =>
      feedOf(row, i, spread(all, rows.length, (i + shift) % rows.length)),
    ),
  }));
}

function agentOf(agent: AgentId, canaries: boolean): fc.Arbitrary<PlannedAgent> {
  return fc.tuple(slots, slots, fc.boolean()).map(([offered, busy, canary]) => {
    const running = byStage((stage) => Math.min(busy[stage], offered[stage]));
    const jobs = STAGES.reduce((sum, stage) => sum + running[stage], 0);
    const runsCanary = canaries && canary && jobs === 1;
    return { agent, session: 1 as SessionId, slots: offered, running, runsCanary };
  });
}

const runs = (agents: readonly PlannedAgent[], stage: Stage) =>
  agents.reduce((sum, agent) => sum + agent.running[stage], 0);

/** How many of the running jobs are of the feed in this place: they are dealt out like cards. */
function spread(agents: readonly PlannedAgent[], feeds: number, place: number) {
  const share = (stage: Stage) => {
    const all = runs(agents, stage);
    return Math.floor(all / feeds) + (place < all % feeds ? 1 : 0);
  };
  return byStage(share);
}

function feedOf(
  row: { bookScore: number; heads: Record<Stage, AgentId[][]>; unseen: number },
  index: number,
  running: PlannedFeed['running'],
): PlannedFeed {
  const heads = (stage: Stage): Candidate[] =>
    row.heads[stage].map((lostBy, i) => ({
      episode: `${stage}-${i}` as EpisodeId,
      revision: 1 + i,
      lostBy,
    }));
  const left = (stage: Stage) =>
    row.heads[stage].length === 0 ? 0 : row.heads[stage].length + row.unseen;
  return {
    feed: `f${index}` as FeedId,
    priority: 0,
    urgent: byStage(() => 0),
    bookScore: row.bookScore,
    running,
    remaining: byStage((stage) => left(stage) + running[stage]),
    heads: byStage(heads),
  };
}

const limits: fc.Arbitrary<PlanLimits> = fc.record({
  downloadsMax: fc.oneof(fc.constant(30), fc.nat(8)),
  transcribersMax: fc.oneof(fc.constant('auto' as const), fc.constant(6), fc.nat(8)),
  multiWorkerMinEpisodes: fc.constantFrom(2, 50),
  feedShareMax: fc.constantFrom(0.25, 0.5, 1),
});

const total = (view: PlanView, stage: Stage) => view.running[stage];
const job = ({ feed, episode, stage }: Assignment) => `${feed}.${episode}.${stage}`;
const budgetOf = (stage: Stage, given: PlanLimits) => {
  if (stage === 'score') return Number.POSITIVE_INFINITY;
  const max = stage === 'download' ? given.downloadsMax : given.transcribersMax;
  return max === 'auto' ? Number.POSITIVE_INFINITY : max;
};

interface Waiting extends Candidate {
  readonly feed: FeedId;
  readonly stage: Stage;
}

/** The heads that the plan left. */
function waiting(view: PlanView, given: readonly Assignment[], stage: Stage): Waiting[] {
  const taken = new Set(given.map(job));
  return view.feeds.flatMap(({ feed, heads }) =>
    [...heads[stage]]
      .map((head) => ({ ...head, feed, stage }))
      .filter((head) => !taken.has(`${feed}.${head.episode}.${stage}`)),
  );
}

const headsOf = (view: PlanView, feed: FeedId, stage: Stage): Candidate[] =>
  view.feeds.filter((row) => row.feed === feed).flatMap((row) => [...row.heads[stage]]);

const isCanary = (head: Candidate) => isCanaryJob(head.lostBy);

function freeAfter(agent: PlannedAgent, given: readonly Assignment[], stage: Stage): number {
  const added = given.filter((a) => a.agent === agent.agent && a.stage === stage).length;
  return slotsOf(agent.slots, stage) - agent.running[stage] - added;
}

/** Agents with a free slot left that may take this head by the rule about losses. */
function couldTake(view: PlanView, given: readonly Assignment[], head: Waiting): AgentId[] {
  const open = view.agents.filter(
    (agent) => !agent.runsCanary && slotsOf(agent.slots, head.stage) > 0,
  );
  const fresh = open.filter((agent) => !head.lostBy.includes(agent.agent));
  return (fresh.length > 0 ? fresh : open)
    .filter((agent) => freeAfter(agent, given, head.stage) > 0)
    .map((agent) => agent.agent);
}

function hasBudget(view: PlanView, given: readonly Assignment[], stage: Stage, max: PlanLimits) {
  const added = given.filter((a) => a.stage === stage).length;
  return total(view, stage) + added < budgetOf(stage, max);
}

/** Holds for the plan of any view. */
function always(
  arbitrary: fc.Arbitrary<PlanView>,
  claim: (view: PlanView, given: Assignment[], max: PlanLimits) => void,
) {
  fc.assert(
    fc.property(arbitrary, limits, (view, max) => {
      claim(view, plan(view, max), max);
    }),
    { numRuns: 500 },
  );
}

describe('any plan', () => {
  it('assigns heads only, each once, at the revision seen and to the session seen', () => {
    always(views(3), (view, given) => {
      expect(new Set(given.map(job)).size).toBe(given.length);
      for (const { feed, stage, episode, revision, agent, session } of given) {
        const row = view.feeds.find((other) => other.feed === feed);
        expect(row?.heads[stage]).toContainEqual(expect.objectContaining({ episode, revision }));
        expect(view.agents).toContainEqual(expect.objectContaining({ agent, session }));
      }
    });
  });

  it('never fills an agent beyond its slots, and gives nothing to one that runs a canary', () => {
    always(views(3), (view, given) => {
      for (const agent of view.agents) {
        for (const stage of STAGES)
          expect(freeAfter(agent, given, stage)).toBeGreaterThanOrEqual(0);
        if (agent.runsCanary) expect(given.map((a) => a.agent)).not.toContain(agent.agent);
      }
    });
  });

  it("never goes beyond the fleet's limits, and adds nothing where they are exceeded already", () => {
    always(views(3), (view, given, max) => {
      for (const stage of STAGES) {
        const added = given.filter((a) => a.stage === stage).length;
        const room = Math.max(0, budgetOf(stage, max) - total(view, stage));
        expect(added).toBeLessThanOrEqual(room);
      }
    });
  });

  it('is the same for the same view, and leaves the view as it was', () => {
    always(views(3), (view, given, max) => {
      const copy = structuredClone(view);
      expect(plan(view, max)).toEqual(given);
      expect(view).toEqual(copy);
    });
  });

  it('does not depend on the order in which feeds and agents came', () => {
    const whole = <T>(items: readonly T[]) =>
      fc.shuffledSubarray([...items], { minLength: items.length, maxLength: items.length });
    const shuffled = views(3).chain((view) =>
      fc.record({
        view: fc.constant(view),
        other: fc.record({
          feeds: whole(view.feeds),
          agents: whole(view.agents),
          running: fc.constant(view.running),
        }),
      }),
    );
    fc.assert(
      fc.property(shuffled, limits, ({ view, other }, max) => {
        expect(plan(other, max)).toEqual(plan(view, max));
      }),
      { numRuns: 500 },
    );
  });

  it('leaves no slot free beside work that it may take (without canaries)', () => {
    always(views(1), (view, given, max) => {
      for (const stage of STAGES) {
        if (!hasBudget(view, given, stage, max)) continue;
        for (const head of waiting(view, given, stage))
          expect(couldTake(view, given, head)).toEqual([]);
      }
    });
  });

  it('keeps at most one agent free for each canary beside work that it may take', () => {
    always(views(3), (view, given, max) => {
      const idle = STAGES.filter((stage) => hasBudget(view, given, stage, max))
        .flatMap((stage) => waiting(view, given, stage))
        .filter((head) => !isCanary(head) && head.lostBy.length === 0)
        .flatMap((head) => couldTake(view, given, head));
      const canaries = view.feeds
        .flatMap(({ heads }) => STAGES.flatMap((stage) => [...heads[stage]]))
        .filter(isCanary);
      expect(new Set(idle).size).toBeLessThanOrEqual(canaries.length);
    });
  });

  it('runs a canary alone: on an agent that was idle and gets nothing else', () => {
    always(views(3), (view, given) => {
      const canaries = given.filter(({ feed, stage, episode }) =>
        headsOf(view, feed, stage).some((head) => head.episode === episode && isCanary(head)),
      );
      for (const { agent } of canaries) {
        const row = view.agents.find((other) => other.agent === agent);
        expect(row?.running).toEqual(byStage(() => 0));
        expect(given.filter((other) => other.agent === agent)).toHaveLength(1);
      }
    });
  });

  it('gives a job to an agent that lost it only when no other agent offers its stage (without canaries)', () => {
    always(views(1), (view, given) => {
      for (const { feed, stage, episode, agent } of given) {
        const heads = headsOf(view, feed, stage);
        const lostBy = heads.find((head) => head.episode === episode)?.lostBy ?? [];
        if (!lostBy.includes(agent)) continue;
        const others = view.agents.filter((other) => slotsOf(other.slots, stage) > 0);
        expect(others.every((other) => lostBy.includes(other.agent))).toBe(true);
      }
    });
  });

  it('gives a feed more transcribers than its due only when no other feed waits for its own', () => {
    always(views(0), (view, given, max) => {
      const offered = view.agents.reduce((sum, agent) => sum + agent.slots.transcribe, 0);
      const share = Math.max(1, Math.floor(offered * max.feedShareMax));
      const rows = view.feeds.map((feed) => {
        const due = transcribersMax(feed.remaining.transcribe, max.multiWorkerMinEpisodes);
        const added = given.filter((a) => a.feed === feed.feed && a.stage === 'transcribe').length;
        const over = feed.running.transcribe + added - Math.min(share, due);
        return { added, over, waits: added < [...feed.heads.transcribe].length };
      });
      const someWait = rows.some((row) => row.waits && row.over < 0);
      if (someWait) expect(rows.every((row) => row.over <= 0 || row.added === 0)).toBe(true);
    });
  });
});

describe('the heads that a plan reads', () => {
  it('are as many as it needs: jobs that must wait do not hide work behind them', () => {
    const slot = { ...byStage(() => 0), transcribe: 1 };
    const [idle, busy] = agentIds.map((agent, i) => ({
      agent,
      session: 1 as SessionId,
      slots: slot,
      running: { ...byStage(() => 0), transcribe: i },
      runsCanary: false,
    }));
    if (idle === undefined || busy === undefined) throw new Error('there are agents');
    const transcribe = [[idle.agent], [idle.agent], []];
    const row = { bookScore: 3, unseen: 1, heads: { ...NO_HEADS, transcribe } };
    const view = { agents: [idle, busy], feeds: [feedOf(row, 0, slot)], running: slot };
    expect(plan(view, SEED_LIMITS)).toHaveLength(1);
  });

  it('are not read beyond what can be given', () => {
    let read = 0;
    function* endless(): Generator<Candidate> {
      for (;;) {
        read += 1;
        yield { episode: `e${read}` as EpisodeId, revision: read, lostBy: [] };
      }
    }
    const slots = { ...byStage(() => 0), transcribe: 3 };
    const [agent] = agentIds;
    if (agent === undefined) throw new Error('there are agents');
    const feed = {
      ...feedOf({ bookScore: 3, unseen: 1, heads: NO_HEADS }, 0, slots),
      heads: { ...byStage((): Candidate[] => []), transcribe: { [Symbol.iterator]: endless } },
    };
    const running = byStage(() => 0);
    const agents = [{ agent, session: 1 as SessionId, slots, running, runsCanary: false }];
    expect(plan({ agents, feeds: [feed], running }, SEED_LIMITS)).toHaveLength(3);
    expect(read).toBe(3);
  });
});

const NO_HEADS = byStage((): AgentId[][] => []);

const SEED_LIMITS = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  multiWorkerMinEpisodes: 50,
  feedShareMax: 1,
} as const;

describe('a canary while other work never ends', () => {
  it('has its turn: an agent is kept for it until it is empty', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat(11)), fc.constantFrom(...STAGES), (dice, stage) => {
        expect(plansUntilCanary(dice, stage)).toBeLessThan(200);
      }),
    );
  });
});

/** Three agents of up to four slots, all full; jobs end by the dice, one before each plan. Gives the plans it took. */
function plansUntilCanary(dice: Iterator<number>, stage: Stage): number {
  const at = (n: number) => byStage((one) => (one === stage ? n : 0));
  const agents = [2, 3, 4].map((n, i) => ({
    agent: agentIds[i] ?? ('' as AgentId),
    session: 1 as SessionId,
    slots: at(n),
    running: at(n),
    runsCanary: false,
  }));
  const canary: AgentId[] = ['gone', 'gone-too'] as AgentId[];
  for (let plans = 1; plans < 200; plans += 1) {
    const busy = agents.filter((agent) => agent.running[stage] > 0);
    const ends = busy[(dice.next().value ?? 0) % Math.max(1, busy.length)];
    if (ends !== undefined) ends.running = at(ends.running[stage] - 1);
    const running = at(agents.reduce((sum, agent) => sum + agent.running[stage], 0));
    const heads = (of: Stage) => (of === stage ? [canary, [], [], [], []] : []);
    const row = {
      priority: 0,
      urgent: byStage(() => 0),
      bookScore: 3,
      unseen: 900,
      heads: byStage(heads),
    };
    const given = plan(
      { agents, feeds: [feedOf(row, 0, running)], running },
      { downloadsMax: 30, transcribersMax: 'auto', multiWorkerMinEpisodes: 50, feedShareMax: 1 },
    );
    if (given.some(({ episode }) => episode === `${stage}-0`)) return plans;
    for (const { agent } of given) {
      const row = agents.find((other) => other.agent === agent);
      if (row !== undefined) row.running = at(row.running[stage] + 1);
    }
  }
  return 200;
}
