// How long `podctl status` takes against a coordinator on this machine, beside what it cannot be faster than: a bare
// Node, and a command of oclif's that does nothing. Wall time of whole processes, in turn, so that a busy machine slows all
// of them alike. npm run bench:cli
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startFixedCoordinator } from '../../apps/cli/test/fixed-coordinator.ts';

const ROUNDS = 10;
const WARM_ROUNDS = 2;
const LIMIT_SECONDS = 0.35;
const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);

const folder = await mkdtemp(join(tmpdir(), 'podctl-bench-cli-'));
const coordinator = await startFixedCoordinator();
try {
  const trivial = join(folder, 'trivial.cjs');
  await writeFile(
    trivial,
    `const { Command } = require(${JSON.stringify(join(root, 'node_modules/@oclif/core/lib/index.js'))});
class Trivial extends Command { async run() { await this.parse(Trivial); this.log('nothing'); } }
Trivial.run([], __filename);\n`,
  );
  await writeFile(
    join(folder, 'package.json'),
    '{"name":"trivial","version":"1.0.0","oclif":{"bin":"trivial"}}',
  );
  const podctl = join(root, 'apps/cli/bin/podctl.js');
  const commands = {
    'node -e 0': ['-e', '0'],
    'oclif, trivial': [trivial],
    'podctl --version': [podctl, '--version'],
    'podctl status': [podctl, 'status', '--server', coordinator.address],
  };
  const times = new Map(Object.keys(commands).map((name) => [name, [] as number[]]));
  for (let round = -WARM_ROUNDS; round < ROUNDS; round += 1)
    for (const [name, args] of Object.entries(commands)) {
      const seconds = await timed(args);
      if (round >= 0) times.get(name)?.push(seconds);
    }
  const bare = median(times.get('node -e 0') ?? []);
  for (const [name, seconds] of times) {
    const [middle, least] = [median(seconds), Math.min(...seconds)];
    const ratio = (middle / bare).toFixed(1);
    process.stdout.write(
      `${name.padEnd(18)} median ${middle.toFixed(3)} s  least ${least.toFixed(3)} s  ${ratio} x a bare Node\n`,
    );
  }
  const status = median(times.get('podctl status') ?? []);
  process.stdout.write(
    `podctl status: ${status.toFixed(3)} s, ${status < LIMIT_SECONDS ? 'under' : 'OVER'} ${LIMIT_SECONDS} s\n`,
  );
  if (status >= LIMIT_SECONDS) process.exitCode = 1;
} finally {
  await coordinator.stop();
  await rm(folder, { recursive: true, force: true });
}

/** Of a process from its start to its end. Its cache of compiled code is its own, whoever runs this. */
async function timed(args: readonly string[]): Promise<number> {
  const env = { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') };
  const began = performance.now();
  await run(process.execPath, [...args], { env });
  return (performance.now() - began) / 1_000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low = 0, high = 0] = [
    sorted[sorted.length % 2 === 0 ? middle - 1 : middle],
    sorted[middle],
  ];
  return (low + high) / 2;
}
