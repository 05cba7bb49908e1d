import type { HostName } from '@podctl/domain/host-name.ts';
import { allowedNow, limitOf } from '@podctl/domain/host-state.ts';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hostNames, limits, Play, type World, worlds } from './host-example.ts';
import type { Plan } from './plan.ts';

const STEPS_MAX = 4_000;

/** What is wrong with a host's share after a plan; empty when nothing is. */
function overdone(play: Play, { rules }: World, host: HostName, before: number): string {
  const allowed = allowedNow(host, play.state(host), rules, play.nowMs);
  const at = play.at(host);
  if (at > limitOf(host, rules)) return `${host} has ${at}, above its limit`;
  // What ran when the host began to ask for patience goes on, and nothing comes to it.
  return at > Math.max(allowed, before) ? `${host} has ${at} where ${allowed} may be` : '';
}

/** A free slot beside work of a feed: its own host is the reason, and it is told. */
function slowed(play: Play, { rules, badHost, feeds }: World, { waiting }: Plan): string {
  if (play.free() === 0 || play.running.size >= limits.downloadsMax) return '';
  for (const { feed, host } of feeds.filter((one) => play.ready(one.feed))) {
    const allowed = allowedNow(host, play.state(host), rules, play.nowMs);
    const why = waiting.get(feed);
    const isTrue =
      (why === 'cooling' && allowed === 0 && host === badHost) ||
      (why === 'full' && play.at(host) >= allowed) ||
      why === 'paced';
    if (!isTrue) return `${feed} waits beside a free slot: ${why}`;
  }
  return '';
}

function hurried(times: readonly number[], { rules }: World): boolean {
  return times.some(
    (atMs) =>
      times.filter((one) => one >= atMs && one < atMs + 1_000).length > 2 * rules.startsPerSecond,
  );
}

it('no host ever has more than it may have, of all agents together; nobody else is slowed; all is done in the end', () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const play = new Play(world);
      for (let step = 0; step < STEPS_MAX && !play.isDone(); step += 1) {
        const before = new Map(hostNames.map((host) => [host, play.at(host)]));
        const made = play.step();
        const wrong = hostNames.map((host) => overdone(play, world, host, before.get(host) ?? 0));
        expect([...wrong, slowed(play, world, made)].join('')).toBe('');
      }
      expect(play.isDone()).toBe(true);
      expect([...play.starts.values()].some((times) => hurried(times, world))).toBe(false);
    }),
    { numRuns: 60 },
  );
});
