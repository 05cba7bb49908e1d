import type { AgentId, EpisodeId, FeedId, SessionId } from '@podctl/domain/ids.ts';
import { byStage, type Stage } from '@podctl/domain/stage.ts';
import { describe, expect, it } from 'vitest';
import {
  type Assignment,
  type PlanLimits,
  type PlannedAgent,
  type PlannedFeed,
  type PlanView,
  plan as planOf,
} from './plan.ts';

const limits: PlanLimits = {
  downloadsMax: 30,
  transcribersMax: 'auto',
  multiWorkerMinEpisodes: 50,
  feedShareMax: 1,
};

interface FeedPart {
  readonly download?: number;
  readonly transcribe?: number;
  readonly score?: number;
  readonly bookScore?: number;
  readonly priority?: number;
  readonly urgent?: { readonly [S in Stage]?: number };
  readonly running?: { readonly [S in Stage]?: number };
  /** Agents that lost its first heads, head by head. */
  readonly lostBy?: readonly (readonly string[])[];
}

/** Of a fleet in which nothing but these feeds runs. */
function plan(view: Omit<PlanView, 'running'>, limits: PlanLimits): Assignment[] {
  const runs = (stage: Stage) => view.feeds.reduce((sum, one) => sum + one.running[stage], 0);
  const running = byStage(runs);
  return planOf({ ...view, running }, limits);
}

/** A feed with so many episodes left of each stage; what is not running is a head. */
function feed(id: string, part: FeedPart): PlannedFeed {
  const remaining = byStage((stage) => part[stage] ?? 0);
  const running = byStage((stage) => part.running?.[stage] ?? 0);
  const heads = (stage: Stage) =>
    [...Array(remaining[stage] - running[stage]).keys()].map((i) => ({
      episode: `${id}-${stage}-${i}` as EpisodeId,
      revision: 100 + i,
      lostBy: (part.lostBy?.[i] ?? []) as AgentId[],
    }));
  return {
    feed: id as FeedId,
    priority: part.priority ?? 0,
    urgent: byStage((stage) => part.urgent?.[stage] ?? 0),
    bookScore: part.bookScore ?? 3,
    remaining,
    running,
    heads: byStage(heads),
  };
}

function agent(
  id: string,
  slots: { readonly [S in Stage]?: number },
  part: Partial<PlannedAgent> = {},
): PlannedAgent {
  return {
    agent: id as AgentId,
    session: 7 as SessionId,
    slots: byStage((stage) => slots[stage] ?? 0),
    running: byStage(() => 0),
    runsCanary: false,
    ...part,
  };
}

const many = (count: number, of: FeedPart) =>
  [...Array(count).keys()].map((i) => feed(`other-${i}`, of));
const of = (assignments: readonly Assignment[], id: string) =>
  assignments.filter((assignment) => assignment.feed === id);
const episodes = (assignments: readonly Assignment[]) => assignments.map(({ episode }) => episode);

describe('an assignment', () => {
  it('names the job, the agent and its session, the revision that its CAS expects, and why', () => {
    expect(
      plan(
        {
          feeds: [feed('f', { download: 4, bookScore: 8 })],
          agents: [agent('a', { download: 1 })],
        },
        limits,
      ),
    ).toEqual([
      {
        feed: 'f',
        episode: 'f-download-0',
        stage: 'download',
        revision: 100,
        agent: 'a',
        session: 7,
        reason: '4 left, book score 8',
      },
    ]);
  });

  it('is not made without work, without agents, or without slots for the stage', () => {
    const work = feed('f', { download: 2, transcribe: 2 });
    expect(plan({ feeds: [], agents: [agent('a', { download: 9 })] }, limits)).toEqual([]);
    expect(plan({ feeds: [work], agents: [] }, limits)).toEqual([]);
    const stages = plan({ feeds: [work], agents: [agent('a', { transcribe: 9 })] }, limits);
    expect(stages.map(({ stage }) => stage)).toEqual(['transcribe', 'transcribe']);
  });
});

describe('what people chose', () => {
  it('a feed of higher priority goes before all that rank otherwise', () => {
    const feeds = [
      feed('last', { download: 1, transcribe: 99, priority: -1 }),
      feed('small', { download: 2, transcribe: 5 }),
      feed('wanted', { download: 9, transcribe: 4, priority: 1 }),
    ];
    const given = plan({ feeds, agents: [agent('a', { download: 3, transcribe: 1 })] }, limits);
    expect(given.map((assignment) => assignment.feed)).toEqual([
      ...['wanted', 'small', 'last'],
      'wanted',
    ]);
  });

  it('episodes that somebody asked for go before all feeds, beyond the share of their own', () => {
    const feeds = [
      feed('high', { transcribe: 40, priority: 10 }),
      feed('asked', { transcribe: 9, urgent: { download: 0, transcribe: 2 } }),
    ];
    const given = plan({ feeds, agents: [agent('a', { transcribe: 3 })] }, limits);
    expect(given.map((assignment) => assignment.feed)).toEqual(['asked', 'asked', 'high']);
  });
});

describe('downloads', () => {
  it('begin with the feed with fewest remaining; with as few, with the higher book score', () => {
    const feeds = [
      feed('large', { download: 9, bookScore: 10 }),
      feed('dull', { download: 2, bookScore: 1 }),
      feed('good', { download: 2, bookScore: 9 }),
    ];
    const given = plan({ feeds, agents: [agent('a', { download: 1 })] }, limits);
    expect(episodes(given)).toEqual(['good-download-0']);
  });

  it('go one to each feed in turn, so that no host meets a crowd while others could be asked', () => {
    const feeds = [
      feed('b', { download: 9 }),
      feed('a', { download: 1 }),
      feed('c', { download: 50 }),
    ];
    const given = plan({ feeds, agents: [agent('x', { download: 6 })] }, limits);
    expect(given.map((assignment) => assignment.feed)).toEqual(['a', 'b', 'c', 'b', 'c', 'b']);
  });

  it('are 30 at most in the fleet, those that run among them', () => {
    const agents = [agent('a', { download: 25 }), agent('b', { download: 25 })];
    expect(plan({ feeds: [feed('f', { download: 99 })], agents }, limits)).toHaveLength(30);
    const running = { ...byStage(() => 0), download: 28 };
    const busy = agent('c', { download: 50 }, { running });
    const feeds = [feed('f', { download: 99, running })];
    expect(plan({ feeds, agents: [busy] }, limits)).toHaveLength(2);
    const over = [feed('f', { download: 99, running: { download: 40, transcribe: 0 } })];
    expect(plan({ feeds: over, agents }, limits)).toEqual([]);
  });

  it('do not take slots of transcription, nor the other way round', () => {
    const given = plan(
      {
        feeds: [feed('f', { download: 50, transcribe: 50 })],
        agents: [agent('a', { download: 3, transcribe: 2 })],
      },
      limits,
    );
    expect(given.map(({ stage }) => stage)).toEqual([
      ...Array(3).fill('download'),
      ...Array(2).fill('transcribe'),
    ]);
  });
});

describe('transcription', () => {
  it('begins with most remaining, then complete downloads, then the higher book score', () => {
    const feeds = [
      feed('small', { transcribe: 3, bookScore: 10 }),
      feed('loading', { transcribe: 9, download: 1, bookScore: 10 }),
      feed('dull', { transcribe: 9, bookScore: 2 }),
      feed('good', { transcribe: 9, bookScore: 5 }),
    ];
    const order = [1, 2, 3, 4].map((slots) => {
      const given = plan({ feeds, agents: [agent('a', { transcribe: slots })] }, limits);
      return given.at(-1)?.feed;
    });
    expect(order).toEqual(['good', 'dull', 'loading', 'small']);
  });

  it('gives a feed with 50, 51, 100, 101 waiting 1, 2, 2, 3 workers while others wait', () => {
    const workers = [50, 51, 99, 100, 101].map((remaining) => {
      const feeds = [feed('f', { transcribe: remaining }), ...many(20, { transcribe: 1 })];
      return of(plan({ feeds, agents: [agent('a', { transcribe: 10 })] }, limits), 'f').length;
    });
    expect(workers).toEqual([1, 2, 2, 2, 3]);
  });

  it('counts workers that the feed already has', () => {
    const running = { ...byStage(() => 0), transcribe: 2 };
    const feeds = [feed('f', { transcribe: 101, running }), ...many(20, { transcribe: 1 })];
    const agents = [agent('a', { transcribe: 10 }, { running })];
    expect(of(plan({ feeds, agents }, limits), 'f')).toHaveLength(1);
  });

  it('takes no more workers for a feed than there are free slots', () => {
    const feeds = [feed('f', { transcribe: 1_000 }), ...many(3, { transcribe: 1 })];
    expect(plan({ feeds, agents: [agent('a', { transcribe: 4 })] }, limits)).toHaveLength(4);
  });

  it('gives any other feed one worker while others wait, and more once nobody waits', () => {
    const agents = [agent('a', { transcribe: 6 })];
    const crowd = plan({ feeds: many(20, { transcribe: 40 }), agents }, limits);
    expect(new Set(crowd.map((assignment) => assignment.feed)).size).toBe(6);
    const two = [feed('f', { transcribe: 40 }), feed('g', { transcribe: 30 })];
    const quiet = plan({ feeds: two, agents }, limits);
    expect([of(quiet, 'f').length, of(quiet, 'g').length]).toEqual([3, 3]);
    expect(plan({ feeds: two.slice(0, 1), agents }, limits)).toHaveLength(6);
  });

  it('uses all slots by the policy auto, and six by the policy of the seed', () => {
    const view = { feeds: many(20, { transcribe: 40 }), agents: [agent('a', { transcribe: 10 })] };
    expect(plan(view, limits)).toHaveLength(10);
    expect(plan(view, { ...limits, transcribersMax: 6 })).toHaveLength(6);
    const running = { ...byStage(() => 0), transcribe: 5 };
    const busy = {
      feeds: [feed('f', { transcribe: 40, running })],
      agents: [agent('a', { transcribe: 10 }, { running })],
    };
    expect(plan(busy, { ...limits, transcribersMax: 6 })).toHaveLength(1);
  });

  it('leaves one feed its share of the slots at most while others wait, and the rest once they have theirs', () => {
    const half = { ...limits, feedShareMax: 0.5 };
    const agents = [agent('a', { transcribe: 8 })];
    const large = feed('f', { transcribe: 5_000 });
    const crowd = plan({ feeds: [large, ...many(20, { transcribe: 1 })], agents }, half);
    expect(of(crowd, 'f')).toHaveLength(4);
    const few = plan({ feeds: [large, ...many(2, { transcribe: 1 })], agents }, half);
    expect([of(few, 'f').length, few.length]).toEqual([6, 8]);
    const tiny = { ...limits, feedShareMax: 0.001 };
    expect(plan({ feeds: [large], agents: [agent('a', { transcribe: 1 })] }, tiny)).toHaveLength(1);
  });
});

describe('agents', () => {
  it('are filled evenly: the most free slots first, then by id', () => {
    const agents = [
      agent('b', { transcribe: 2 }),
      agent('a', { transcribe: 2 }),
      agent('c', { transcribe: 3 }),
    ];
    const given = plan({ feeds: many(9, { transcribe: 1 }), agents }, limits);
    expect(given.map((assignment) => assignment.agent)).toEqual([
      'c',
      'a',
      'b',
      'c',
      'a',
      'b',
      'c',
    ]);
  });

  it('get no job that they lost while another agent could take it', () => {
    const one = feed('f', { transcribe: 1, lostBy: [['a']] });
    const both = [agent('a', { transcribe: 9 }), agent('b', { transcribe: 1 })];
    expect(plan({ feeds: [one], agents: both }, limits)).toMatchObject([{ agent: 'b' }]);
    expect(plan({ feeds: [one], agents: both.slice(0, 1) }, limits)).toMatchObject([
      { agent: 'a' },
    ]);
  });

  it('that lost a job leave it for the busy other one, and take what is behind it', () => {
    const running = { ...byStage(() => 0), transcribe: 1 };
    const agents = [agent('a', { transcribe: 1 }), agent('b', { transcribe: 1 }, { running })];
    const feeds = [feed('f', { transcribe: 2, lostBy: [['a']] })];
    expect(plan({ feeds, agents }, limits)).toMatchObject([
      { agent: 'a', episode: 'f-transcribe-1' },
    ]);
  });

  it('that run a canary get nothing', () => {
    const canary = agent('a', { download: 5, transcribe: 5 }, { runsCanary: true });
    expect(
      plan({ feeds: [feed('f', { download: 9, transcribe: 9 })], agents: [canary] }, limits),
    ).toEqual([]);
  });
});

describe('a stage without rules of its own', () => {
  it('has slots of its own: it takes none from transcriptions, nor do they from it', () => {
    const feeds = [feed('f', { transcribe: 9, score: 9 })];
    const agents = [agent('a', { transcribe: 2, score: 1 }), agent('old', { transcribe: 1 })];
    const given = plan({ feeds, agents }, { ...limits, transcribersMax: 2 });
    const stages = given.map(({ stage, agent: by }) => (stage === 'score' ? by : stage));
    // The older one says nothing of it in its hello.
    expect(stages).toEqual(['transcribe', 'transcribe', 'a']);
  });

  it('goes round the feeds, those with fewest remaining first', () => {
    const feeds = [feed('large', { score: 90 }), feed('small', { score: 2 })];
    const given = plan({ feeds, agents: [agent('a', { score: 5 })] }, limits);
    expect(given.map((one) => one.feed)).toEqual(['small', 'large', 'small', 'large', 'large']);
  });
});

describe('a canary, a job lost with two agents', () => {
  const lostBy = [['x', 'y']];

  it('goes alone to an idle agent, of either stage', () => {
    const feeds = [feed('f', { transcribe: 9, download: 9, lostBy })];
    const given = plan({ feeds, agents: [agent('a', { download: 4, transcribe: 4 })] }, limits);
    expect(episodes(given)).toEqual(['f-download-0']);
  });

  it('does not join an agent that works: that one is kept free of more until it is empty', () => {
    const running = { ...byStage(() => 0), transcribe: 1 };
    const feeds = [feed('f', { transcribe: 9, lostBy })];
    const agents = [agent('a', { transcribe: 4 }, { running })];
    expect(plan({ feeds, agents }, limits)).toEqual([]);
  });

  it('goes to another agent than those that were lost with it, where there is one', () => {
    const feeds = [feed('f', { transcribe: 1, lostBy })];
    const agents = ['x', 'y', 'z'].map((id) => agent(id, { transcribe: 1 }));
    expect(plan({ feeds, agents }, limits)).toMatchObject([{ agent: 'z' }]);
    expect(plan({ feeds, agents: agents.slice(0, 2) }, limits)).toHaveLength(1);
  });

  it('leaves the other agents to the others', () => {
    const feeds = [feed('f', { transcribe: 9, lostBy })];
    const agents = [agent('a', { transcribe: 2 }), agent('b', { transcribe: 2 })];
    const given = plan({ feeds, agents }, limits);
    expect(given.map((a) => [a.episode, a.agent])).toEqual([
      ['f-transcribe-0', 'a'],
      ['f-transcribe-1', 'b'],
      ['f-transcribe-2', 'b'],
    ]);
  });
});

describe('a job that failed with an agent', () => {
  const agents = ['a', 'b'].map((id) => agent(id, { transcribe: 1 }));
  const once = feed('f', { transcribe: 1 });
  const [head] = [...once.heads.transcribe];
  const feeds = [
    {
      ...once,
      heads: {
        download: [],
        transcribe: head === undefined ? [] : [{ ...head, failedWith: ['a' as AgentId] }],
        score: [],
      },
    },
  ];

  it('goes to another one that is free', () => {
    expect(plan({ feeds, agents }, limits)).toMatchObject([{ agent: 'b' }]);
  });

  it('goes to the same one where no other is free', () => {
    expect(plan({ feeds, agents: agents.slice(0, 1) }, limits)).toMatchObject([{ agent: 'a' }]);
  });
});
