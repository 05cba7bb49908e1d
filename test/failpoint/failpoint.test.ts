import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Case, discover, nameOf, oneMomentEach, strikeAll } from './campaign.ts';
import { FeedServer } from './feed-server.ts';
import { REQUIRED_SITES } from './required.ts';

/** Most of a strike's time goes into waits of the product: more worlds than cores. */
const WORLDS = 6;
const DISCOVERY_MS_MAX = 180_000;
const STRIKES_MS_MAX = 300_000;

let feeds: FeedServer;
let cases: readonly Case[];
beforeAll(async () => {
  feeds = await FeedServer.start();
  cases = await discover(feeds, WORLDS / 2);
}, DISCOVERY_MS_MAX);
afterAll(() => feeds.stop());

test('a recorded run passes every step of the protocol', () => {
  const sites = new Set(cases.map(({ strike }) => `${strike.role} ${strike.point.site}`));
  expect(REQUIRED_SITES.filter((site) => !sites.has(site))).toEqual([]);
});

test(
  'killed once at every site and started again, it loses nothing and does nothing twice',
  async () => {
    const chosen = oneMomentEach(cases);
    const endings = await strikeAll(feeds, WORLDS, chosen, () => undefined);
    const wrong = endings.flatMap(({ of, outcome }) =>
      outcome.kind === 'held' ? [] : [{ at: nameOf(of.strike), ...outcome }],
    );
    expect(wrong).toEqual([]);
    expect(endings).toHaveLength(chosen.length);
  },
  STRIKES_MS_MAX,
);
