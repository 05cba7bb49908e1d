import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { JobToken, LogLine } from '@podctl/domain/protocol.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AGENT_LOG_LIMITS, AgentLog } from './agent-log.ts';

const [one, two] = ['one' as AgentId, 'two' as AgentId];

function job(episode: string, token = 5): JobToken {
  const of = { feed: 'alpha' as FeedId, episode: episode as EpisodeId };
  return { ...of, stage: 'download', run: 1, token: token as Token };
}

function lines(count: number, of: JobToken | null, message = 'said'): LogLine[] {
  return Array.from({ length: count }, (_, i) => ({
    ...({ atMs: i, level: 'info', job: of } as const),
    message: `${message} ${i}`,
  }));
}

const say = (log: AgentLog, agent: AgentId, of: readonly LogLine[], dropped = 0) =>
  log.add(agent, { lines: of, dropped });

test('the lines of a run are found in the order in which they came, whichever attempt and agent they are of', () => {
  const log = new AgentLog();
  say(log, one, lines(2, job('a', 5)));
  say(log, two, lines(1, job('b')));
  say(log, one, lines(1, null));
  say(log, two, lines(1, job('a', 9)));
  const found = log.ofJob(job('a'), 0, 10);
  expect(found.map(({ agent, ordinal, job: of }) => [agent, ordinal, of?.token])).toEqual([
    ['one', 1, 5],
    ['one', 2, 5],
    ['two', 3, 9],
  ]);
  expect(log.ofJob(job('a'), found[1]?.number ?? 0, 10)).toEqual([found[2]]);
  expect(log.ofJob(job('a'), 0, 2)).toEqual(found.slice(0, 2));
  expect(log.ofJob(job('c'), 0, 10)).toEqual([]);
});

test('of too many lines the oldest of this agent go, and the next one’s ordinal tells how many', () => {
  const log = new AgentLog({ ...AGENT_LOG_LIMITS, linesMax: 10 });
  expect(say(log, one, lines(4, job('a')))).toBe(0);
  expect(say(log, two, lines(4, job('b')))).toBe(0);
  expect(say(log, one, lines(9, job('a')))).toBe(3);
  const found = log.ofJob(job('a'), 0, 100);
  expect(found.map(({ ordinal }) => ordinal)).toEqual([4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  expect(log.ofJob(job('b'), 0, 100)).toHaveLength(4);
});

test('when all together have too much, the agent that has most loses its oldest', () => {
  const log = new AgentLog({ ...AGENT_LOG_LIMITS, totalBytesMax: 4_000 });
  say(log, one, lines(15, job('a')));
  say(log, two, lines(2, job('b')));
  expect(say(log, two, lines(3, job('b')))).toBeGreaterThan(0);
  expect(log.ofJob(job('b'), 0, 100)).toHaveLength(5);
  expect(log.ofJob(job('a'), 0, 100)[0]?.ordinal).toBeGreaterThan(1);
});

test('lines of no job push out no line of a job', () => {
  const log = new AgentLog({ ...AGENT_LOG_LIMITS, linesMax: 10 });
  say(log, one, lines(4, job('a')));
  expect(say(log, one, lines(100, null))).toBe(0);
  expect(log.ofJob(job('a'), 0, 100)).toHaveLength(4);
});

test('of a job that two agents had, the one’s oldest lines go from among the other’s', () => {
  const log = new AgentLog({ ...AGENT_LOG_LIMITS, linesMax: 3 });
  say(log, one, lines(2, job('a'), 'of one'));
  say(log, two, lines(5, job('a', 9), 'of two'));
  const found = log.ofJob(job('a'), 0, 100);
  expect(found.map(({ ordinal }) => ordinal)).toEqual([1, 2, 5, 6, 7]);
  expect(log.ofJob(job('a'), found[1]?.number ?? 0, 2).map(({ ordinal }) => ordinal)).toEqual([
    5, 6,
  ]);
});

test('what an agent left out is said before the first line of each job of that message', () => {
  const log = new AgentLog();
  say(log, one, [...lines(2, job('a')), ...lines(1, job('b'))], 7);
  expect(log.ofJob(job('a'), 0, 9).map(({ droppedBefore }) => droppedBefore)).toEqual([7, 0]);
  expect(log.ofJob(job('b'), 0, 9).map(({ droppedBefore }) => droppedBefore)).toEqual([7]);
});

test('what steers a terminal is taken out', () => {
  const log = new AgentLog();
  say(log, one, lines(1, job('a'), '\u001b[2J\u202eevil\nline'));
  expect(log.ofJob(job('a'), 0, 1)[0]?.message).toBe('[2J evil line 0');
});

test('whoever says whatever, no more is kept than the limits say', () => {
  const limits = { linesMax: 20, bytesMax: 5_000, totalBytesMax: 9_000 };
  const agents = fc.constantFrom(...['a', 'b', 'c'].map((name) => name as AgentId));
  const said = fc.tuple(
    agents,
    fc.array(
      fc.tuple(fc.constantFrom(null, job('a'), job('b')), fc.nat(500), fc.string({ maxLength: 9 })),
      { maxLength: 30 },
    ),
  );
  fc.assert(
    fc.property(fc.array(said, { maxLength: 20 }), (messages) => {
      const log = new AgentLog(limits);
      for (const [agent, texts] of messages)
        say(
          log,
          agent,
          texts.flatMap(([of, length, text]) => lines(1, of, text.padEnd(length, 'x'))),
        );
      expect(log.bytes).toBeLessThanOrEqual(limits.totalBytesMax);
      const kept = ['a', 'b'].flatMap((episode) => log.ofJob(job(episode), 0, 1_000));
      for (const agent of ['a', 'b', 'c'])
        expect(kept.filter((line) => line.agent === agent).length).toBeLessThanOrEqual(20);
    }),
  );
});
