/**
 * The coordinator of `npm run bench:watch`: the real gRPC server and watch hub over a fleet folded by hand, in a process of
 * its own so that its time can be told. Its parent says how many events a second it is to have.
 */
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { apiBundle, cleanUp } from '../support/api-bundle.ts';
import { failed, held } from '../support/stage-change.ts';

const [feeds = 0] = process.argv.slice(2).map(Number);
const TICK_MS = 10;
/** At 500 events a second a job takes 4 s. */
const AGENTS = 100;
const RUNNING_MAX = 1_000;

const { fleet, address } = await apiBundle();
const agents = Array.from({ length: AGENTS }, (_, i) => {
  const agent = `gpu-${i}` as AgentId;
  return { agent, session: fleet.agent(agent) };
});
const ids = Array.from({ length: feeds }, (_, i) => `feed-${String(i).padStart(5, '0')}` as FeedId);
for (const id of ids) {
  fleet.feed(id, { lastSuccessMs: Date.now() });
  for (let n = 0; n < 3; n += 1) fleet.episode(id, n);
}

let perSecond = 0;
let sent = 0;
let begun = 0;
let ended = 0;
let due = 0;
const timer = setInterval(() => {
  due += (perSecond * TICK_MS) / 1_000;
  for (; due >= 1; due -= 1) happen();
}, TICK_MS);

/** One job begins, or the oldest fails: the feed changes, and an event tells of it and when it was. */
function happen(): void {
  const isBegun = sent < RUNNING_MAX || sent % 2 === 0;
  const of = isBegun ? begun++ : ended++;
  const id = ids[(of * 7_919) % ids.length];
  const holder = agents[of % AGENTS];
  if (id === undefined || holder === undefined) return;
  fleet.episode(id, 0, isBegun ? held('download', holder) : failed('download', 'HTTP 503', 0));
  fleet.event(`at=${performance.timeOrigin + performance.now()}`);
  sent += 1;
}

process.on('message', (message: { readonly perSecond: number }) => {
  perSecond = message.perSecond;
});
process.on('disconnect', () => {
  clearInterval(timer);
  void cleanUp().then(() => process.exit());
});
process.send?.({ address });
