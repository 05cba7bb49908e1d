import type { AgentId, EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { LogLine } from '@podctl/domain/protocol.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import type { GetJobLogsResponse } from '@podctl/proto/podctl/v1/job.ts';
import { expect, test } from 'vitest';
import { AgentLog } from '../core/agent-log.ts';
import type { JobState } from '../core/job-view.ts';
import { JobLogs } from './job-logs.ts';

const agent = 'gpu-1' as AgentId;
const of = { feed: 'alpha' as FeedId, episode: 'a'.repeat(26) as EpisodeId };
const job = { ...of, stage: 'download', run: 1, token: 8 as Token } as const;

/** A job's log with one reader, who takes a message when the test says so. */
function begun() {
  const clock = new ManualClock();
  const kept = new AgentLog();
  const listeners = new Set<() => void>();
  const world = { state: 'running' as JobState | null, said: 0 };
  const waiting: { message: GetJobLogsResponse; taken: () => void }[] = [];
  const served = new JobLogs({
    clock,
    logs: {
      ofJob: (...asked) => kept.ofJob(...asked),
      onLines: (_job, listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
      counts: () => {
        throw new Error('nobody asks');
      },
    },
    stateOf: () => world.state,
  });
  const say = (count: number) => {
    const lines = Array.from({ length: count }, (): LogLine => {
      world.said += 1;
      return { atMs: 1, level: 'info', message: `${world.said}`, job };
    });
    kept.add(agent, { lines, dropped: 0 });
    for (const listener of listeners) listener();
  };
  const follow = (signal = new AbortController().signal) =>
    served.serve(
      { job, tailLines: 0, follow: true },
      (message) => new Promise((taken) => void waiting.push({ message, taken })),
      signal,
    );
  /** Takes all that is sent, as it is sent. */
  const takeAll = async () => {
    const lines: GetJobLogsResponse['lines'] = [];
    await clock.advance(2_000);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      lines.push(...next.message.lines);
      next.taken();
      await clock.advance(2_000);
    }
    return lines;
  };
  return { clock, world, waiting, listeners, served, say, follow, takeAll };
}

test('a reader that does not read is sent nothing more, and is told later what it missed', async () => {
  const { say, follow, waiting, takeAll, clock } = begun();
  const leaving = new AbortController();
  say(1);
  const ended = follow(leaving.signal);
  for (let i = 0; i < 30; i += 1) {
    say(100);
    await clock.advance(1_100);
  }
  expect(waiting).toHaveLength(1);
  const lines = await takeAll();
  expect(lines.map(({ message }) => Number(message))).toEqual([
    1,
    ...Array.from({ length: 1_000 }, (_, i) => 2_002 + i),
  ]);
  expect(lines[1]?.droppedBefore).toBe(2_000n);
  leaving.abort(new Error('left'));
  await expect(ended).rejects.toThrow('left');
});

test('it ends a moment after the job is over, so that the last words come through, and listens to nothing then', async () => {
  const { world, say, follow, takeAll, listeners, clock } = begun();
  const ended = follow();
  world.state = 'waiting';
  await clock.advance(20_000);
  world.state = 'done';
  await clock.advance(1_500);
  say(1);
  expect(await takeAll()).toMatchObject([{ message: '1' }]);
  await clock.advance(3_000);
  expect(await ended).toBeNull();
  expect(listeners.size).toBe(0);
});

test('so many may follow, and a place is free again when one leaves', async () => {
  const { follow } = begun();
  const leaving = new AbortController();
  const ended = Array.from({ length: 100 }, () => follow(leaving.signal));
  expect(await follow()).toMatchObject({ kind: 'exhausted' });
  leaving.abort(new Error('left'));
  await Promise.allSettled(ended);
  const again = new AbortController();
  const one = follow(again.signal);
  again.abort(new Error('left too'));
  await expect(one).rejects.toThrow('left too');
});
