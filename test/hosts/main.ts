import setup from '../support/toolchain-setup.ts';
import { play, type Result } from './campaign.ts';
import { hostsProblem } from './network.ts';
import { SCENARIOS } from './scenarios.ts';
import { table } from './table.ts';

/** Plays the faults that are named (one may be named several times), or all; prints one table. Ends with 1 when one of them has failed. */
const names = process.argv.slice(2);
const unknown = names.filter((name) => !SCENARIOS.some(({ id }) => id === name));
const problem = await hostsProblem();
if (unknown.length > 0) {
  say(
    `There is no scenario ${unknown.join(', ')}; there are: ${SCENARIOS.map(({ id }) => id).join(' ')}`,
  );
  process.exitCode = 2;
} else if (problem !== null) {
  say(`SKIPPED: ${problem}`);
} else {
  await setup();
  const all = new Map(SCENARIOS.map((scenario) => [scenario.id, scenario]));
  const chosen = (names.length === 0 ? [...all.keys()] : names).flatMap((id) => all.get(id) ?? []);
  const results = await play(chosen, tell);
  say(`\n${table(results)}`);
  process.exitCode = results.some(({ kind }) => kind === 'failed') ? 1 : 0;
}

function tell(result: Result): void {
  const took = result.kind === 'skipped' ? '' : ` after ${(result.tookMs / 1_000).toFixed(0)} s`;
  say(`${result.scenario.id}: ${result.kind}${took}`);
  const lines = result.kind === 'skipped' ? [result.why] : [...result.wrongs, ...result.notes];
  for (const line of lines) say(`    ${line}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
