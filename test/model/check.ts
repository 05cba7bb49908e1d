import { parseArgs } from 'node:util';
import { explore, type Outcome } from './checker.ts';
import { ALL_FAULTS, type FaultName, isFaultName } from './faults.ts';
import { protocol } from './protocol.ts';
import { isWorldName, WORLDS, type WorldName, worldNamed } from './worlds.ts';

/** Explores from the command line; README.md says how. Exit code 1: a sentence is broken (or a planted fault was not caught). */
function main(): number {
  const { values } = parseArgs({
    options: {
      world: { type: 'string', multiple: true },
      fault: { type: 'string' },
      faults: { type: 'boolean', default: false },
      'states-max': { type: 'string', default: '12000000' },
    },
  });
  const worlds = (values.world ?? []).map(world);
  const statesMax = Number(values['states-max']);
  if (values.faults) return everyFault(statesMax);
  if (values.fault !== undefined) {
    if (!isFaultName(values.fault)) throw new Error(unknown('fault', values.fault, ALL_FAULTS));
    const { world: own } = ALL_FAULTS[values.fault];
    const outcomes = (worlds.length > 0 ? worlds : [own]).map((name) =>
      explored(name, values.fault as FaultName, statesMax),
    );
    return outcomes.some(({ broken }) => broken !== null) ? 0 : 1;
  }
  const names = worlds.length > 0 ? worlds : (Object.keys(WORLDS) as WorldName[]);
  const outcomes = names.map((name) => explored(name, null, statesMax));
  return outcomes.some(({ broken }) => broken !== null) ? 1 : 0;
}

function everyFault(statesMax: number): number {
  const names = Object.keys(ALL_FAULTS).filter(isFaultName);
  const missed = names.filter((name) => {
    const { world: own } = ALL_FAULTS[name];
    return explored(own, name, statesMax).broken === null;
  });
  process.stdout.write(`not caught: ${missed.length === 0 ? 'none' : missed.join(', ')}\n`);
  return missed.length;
}

function explored(name: WorldName, fault: FaultName | null, statesMax: number): Outcome {
  const began = performance.now();
  const outcome = explore(protocol(worldNamed(name), fault), statesMax);
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  const { broken, states, steps, trace } = outcome;
  const verdict = broken === null ? 'holds' : `BROKEN: ${broken}`;
  process.stdout.write(
    `${fault ?? 'protocol'} in world ${name}: ${verdict} (${states} states, ${steps} steps, ${seconds} s)\n`,
  );
  for (const [i, words] of trace.entries())
    process.stdout.write(`  ${String(i + 1).padStart(2)}. ${words}\n`);
  return outcome;
}

function world(name: string): WorldName {
  if (isWorldName(name)) return name;
  throw new Error(unknown('world', name, WORLDS));
}

function unknown(what: string, name: string, known: object): string {
  return `${what} ${name} is not known; choose one of ${Object.keys(known).join(', ')}`;
}

process.exitCode = main();
