import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dead, done, failed, held } from '../../../../test/support/stage-change.ts';
import { world } from '../../../../test/support/watch-world.ts';
import { WatchFrame } from './watch-frame-map.ts';

const FEEDS = 6;
const agent = 'gpu-1' as AgentId;
const feedOf = (n: number) => `feed-${n % FEEDS}` as FeedId;

/** What a frame tells somebody who knows nothing. */
function shown(frame: WatchFrame, { fleet, clock }: ReturnType<typeof world>) {
  frame.refresh(fleet.picture(), fleet.info(), fleet.events.newest());
  const { message } = frame.snapshot(1, fleet.events, clock.monotonicMs());
  invariant(message?.$case === 'snapshot', 'it is a snapshot');
  return message.value;
}

type Change = (n: number, of: ReturnType<typeof world>, session: number) => void | Promise<void>;
const changes: readonly Change[] = [
  (n, { fleet }) => fleet.feed(feedOf(n), { title: `Title ${n}` }),
  (n, { fleet }) => fleet.feed(feedOf(n), { removed: true }),
  (n, { fleet }) => fleet.feed(feedOf(n), { failures: 5 }),
  (n, { fleet, clock }) => fleet.feed(feedOf(n), { lastSuccessMs: clock.wallMs() }),
  (n, { fleet }) => void fleet.episode(feedOf(n), n % 3),
  (n, { fleet }, session) =>
    void fleet.episode(feedOf(n), n % 3, held('download', { agent, session })),
  (n, { fleet }) => void fleet.episode(feedOf(n), n % 3, failed('download', 'HTTP 503', 0)),
  (n, { fleet }) => void fleet.episode(feedOf(n), n % 3, dead('download', 'HTTP 410')),
  (n, { fleet }) => void fleet.episode(feedOf(n), n % 3, done('download', 600)),
  (n, { fleet, clock }) => fleet.progress.moved(feedOf(n), clock.monotonicMs()),
  (n, { clock }) => clock.advance(n * 1_000),
];

test('after any changes the kept frame shows what one that is made anew shows, totals included', async () => {
  const steps = fc.array(fc.tuple(fc.nat(changes.length - 1), fc.nat(400)), { maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(steps, async (list) => {
      const of = world();
      const session = of.fleet.agent(agent);
      const kept = new WatchFrame();
      for (const [which, n] of list) {
        await changes[which]?.(n, of, session);
        expect(shown(kept, of)).toEqual(shown(new WatchFrame(), of));
      }
    }),
    { numRuns: 60 },
  );
});

test('a speed that falls with time alone is told within five seconds', async () => {
  const of = world();
  const { fleet, clock } = of;
  for (let n = 0; n < FEEDS; n += 1) fleet.feed(feedOf(n));
  const frame = new WatchFrame();
  for (let n = 0; n < 4; n += 1) fleet.progress.pace.done(feedOf(5), 600, clock.monotonicMs());
  const first = shown(frame, of).feeds.at(-1)?.speedRatio;
  await clock.advance(20_000);
  for (let ms = 0; ms <= 5_000; ms += 100) {
    shown(frame, of);
    await clock.advance(100);
  }
  const speed = shown(frame, of).feeds.at(-1)?.speedRatio;
  expect(first).toBeGreaterThan(0);
  expect(speed).toBe(shown(new WatchFrame(), of).feeds.at(-1)?.speedRatio);
  expect(speed).toBeLessThan(first ?? 0);
});

test('watchers who have seen the same are told it as one object, until something changes', () => {
  const of = world();
  const { fleet, clock } = of;
  const frame = new WatchFrame();
  shown(frame, of);
  fleet.feed(feedOf(1));
  frame.refresh(fleet.picture(), fleet.info(), 0);
  const seen = { version: 1, newestEvent: 0 };
  const first = frame.delta(2, seen, fleet.events, clock.monotonicMs());
  const second = frame.delta(9, seen, fleet.events, clock.monotonicMs());
  expect(second.message).toBe(first.message);
  expect(second.sequence).toBe(9n);
  fleet.feed(feedOf(2));
  frame.refresh(fleet.picture(), fleet.info(), 0);
  const third = frame.delta(3, seen, fleet.events, clock.monotonicMs());
  expect(third.message?.$case === 'delta' && third.message.value.feeds.length).toBe(2);
});
