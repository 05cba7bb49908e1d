import { parseArgs } from 'node:util';
import setup from '../support/toolchain-setup.ts';
import { type Case, discover, type Ending, nameOf, oneMomentEach, strikeAll } from './campaign.ts';
import { FeedServer } from './feed-server.ts';

/**
 * Kills the product at its failpoints, and prints what came of each. Without `--all` each site is struck once, at a moment
 * chosen by its name; `--only TEXT` takes the points whose names hold the text; `--worlds N` go on at a time.
 */
const { values } = parseArgs({
  options: {
    all: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    worlds: { type: 'string', default: '5' },
  },
});
await setup();
const feeds = await FeedServer.start();
const beganMs = performance.now();
const seconds = () => ((performance.now() - beganMs) / 1_000).toFixed(1);
try {
  const worlds = Number(values.worlds);
  const found = await discover(feeds, worlds);
  const cases = chosen(found);
  const sites = new Set(found.map(({ strike }) => `${strike.role} ${strike.point.site}`)).size;
  say(`${sites} sites, ${found.length} points, found in ${seconds()} s`);
  if (values.list)
    for (const one of found)
      say(`${nameOf(one.strike)}  (${one.scenarios.map(({ name }) => name).join(', ')})`);
  else summary(await strikeAll(feeds, worlds, cases, tell));
} finally {
  feeds.stop();
}

function chosen(found: readonly Case[]): Case[] {
  const named = found.filter(({ strike }) => nameOf(strike).includes(values.only));
  return values.all ? named : oneMomentEach(named);
}

function tell({ of, outcome, seconds: took }: Ending): void {
  say(
    `${outcome.kind.padEnd(6)} ${took.toFixed(1).padStart(5)} s  ${nameOf(of.strike)}  (${of.scenarios[0]?.name})`,
  );
  if (outcome.kind === 'broken') for (const wrong of outcome.wrongs) say(`    ${wrong}`);
}

function summary(endings: readonly Ending[]): void {
  const count = (kind: string) => endings.filter(({ outcome }) => outcome.kind === kind).length;
  say(
    `${endings.length} strikes in ${seconds()} s: ${count('held')} held, ${count('missed')} missed, ${count('broken')} broken`,
  );
  process.exitCode = count('broken') + count('missed') === 0 ? 0 : 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
