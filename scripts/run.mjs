// The one entry of every npm script. Plain JavaScript with built-ins only: it runs on the Node that the machine has (20 or
// newer), installs the locked packages when the lockfile changed, then hands over to the Node 24 that came with them.
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensurePackages, PackagesError } from './npm-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const script = (path) => [bin('node'), join(root, path)];
const podctl = script('apps/cli/bin/podctl.js');

/** As many inputs for each property as the user says, else so many. */
const many = (count) => ['env', `PODCTL_FUZZ_RUNS=${process.env.PODCTL_FUZZ_RUNS ?? count}`];

/** Each script as the commands it runs, in order; the words after the script's name go to the last of them. */
const SCRIPTS = {
  start: [[...podctl, 'up', '--sample', '--data-dir', join(root, '.podctl')]],
  podctl: [podctl],
  test: [[bin('node'), bin('vitest'), 'run']],
  format: [[bin('biome'), 'format', '--write']],
  lint: [[bin('biome'), 'check', '--error-on-warnings']],
  types: [[bin('tsc'), '--noEmit', '-p', 'tsconfig.json']],
  proto: [
    [...script('scripts/check-proto.mjs')],
    [...script('scripts/api-documentation.mjs'), '--check'],
    [...script('scripts/command-manifest.mjs'), '--check'],
    [...script('scripts/cli-documentation.mjs'), '--check'],
  ],
  generate: [
    [bin('buf'), 'generate'],
    [...script('scripts/api-documentation.mjs')],
    [...script('scripts/command-manifest.mjs')],
    [...script('scripts/cli-documentation.mjs')],
  ],
  // What scripts rely on changes by intent only: this is no part of generate.
  'accept:cli': [
    [...script('scripts/command-manifest.mjs')],
    [...script('test/contract/cli-contract.ts'), '--accept'],
    [...script('scripts/cli-documentation.mjs')],
  ],
  'bench:cli': [[...script('test/bench/cli-start.ts')]],
  model: [[...script('test/model/check.ts')]],
  sim: [[...script('test/sim/main.ts')]],
  'test:failpoints': [[...script('test/failpoint/main.ts')]],
  'test:security': [[...many(20_000), bin('node'), bin('vitest'), 'run', 'test/security']],
  'test:fuzz': [
    [
      ...many(60_000),
      ...[bin('node'), bin('vitest'), 'run', 'fuzz', 'gpu-property', '--testTimeout=1200000'],
    ],
  ],
  // Installs two engines that are not ours, once on a machine, and has them pass what ours pass.
  'test:engines': [
    [
      ...['env', 'PODCTL_TEST_ENGINES=1', bin('node'), bin('vitest'), 'run', 'test/engines'],
      ...['--testTimeout=120000', '--hookTimeout=180000'],
    ],
  ],
  // Before the tests, so that they do not wait for it: two minutes of building, once on a machine.
  'test:s3-server': [[...script('test/support/s3-program.ts')]],
  'test:hosts': [[...script('test/hosts/main.ts')]],
  'bench:state': [[...script('test/bench/state.ts')]],
  'bench:feeds': [
    [...script('test/bench/feed-reading.ts')],
    [...script('test/bench/feed-polling.ts')],
    [...script('test/bench/feed-loop.ts')],
    [...script('test/bench/download.ts')],
  ],
  'bench:search': [[...script('test/bench/search.ts')]],
  'bench:download': [[...script('test/bench/download.ts')]],
  'bench:watch': [[...script('test/bench/watch.ts')]],
  'bench:library': [[...script('test/bench/library.ts')]],
  'bench:overhead': [[...script('test/bench/overhead.ts')]],
  'bench:engine': [
    [...script('test/bench/overhead.ts'), '--peers', 'old,cpp', '--parts', '1,2,3,5,7'],
  ],
  'bench:checkpoint': [[...script('test/bench/checkpoint.ts')]],
  unused: [[bin('node'), bin('knip')]],
  check: [],
};
SCRIPTS.check = [
  ...SCRIPTS.lint,
  ...SCRIPTS.types,
  ...SCRIPTS.proto,
  ...SCRIPTS.unused,
  ...SCRIPTS.test,
];

const [name, ...rest] = process.argv.slice(2);
const commands = SCRIPTS[name ?? ''];
if (commands === undefined) {
  fail(
    2,
    `no script is called "${name ?? ''}"; expected one of ${Object.keys(SCRIPTS).join(', ')}`,
  );
}

let child = null;
let stopping = null;
const installing = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
// npm killed -9 cannot tell us; an adopted process sees that its parent changed.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    stop('SIGTERM');
  }, 500);
  watch.unref();
}

function stop(signal) {
  stopping = signal;
  installing.abort();
  // A terminal sends Ctrl-C to the whole foreground group: the child has it already.
  if (child !== null && !(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal);
}

await install();
for (const [i, [command, ...args]] of commands.entries()) {
  const last = i === commands.length - 1;
  const code = await run(command, last ? [...args, ...rest] : args);
  if (code !== 0) process.exit(code);
}

async function install() {
  try {
    await ensurePackages(root, installing.signal);
  } catch (error) {
    const numbers = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
    if (stopping !== null)
      fail(
        numbers[stopping],
        `stopped by ${stopping} while npm packages were installed; run the same command to go on`,
      );
    if (error instanceof PackagesError) fail(error.exitCode, error.message);
    // A system's error is no bug of ours: a folder that cannot be written, a file that is missing.
    if (error.code === undefined) throw error;
    fail(1, `the npm packages could not be installed: ${error.message}`);
  }
}

/** Runs a command to its end and gives its exit code; 128 + n when signal n ended it. */
function run(command, args) {
  return new Promise((resolve) => {
    if (stopping !== null) return resolve(stopping === 'SIGINT' ? 130 : 143);
    // The pipe on descriptor 3 ends when this process dies, kill -9 included: the child stops then (PODCTL_PARENT_FD).
    child = spawn(command, args, {
      cwd: root,
      stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
      env: {
        ...process.env,
        PODCTL_PARENT_FD: '3',
        PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`,
      },
    });
    child.stdio[3].on('error', () => {});
    child.on('error', (error) => {
      process.stderr.write(`${command} could not be started: ${error.message}\n`);
      resolve(127);
    });
    child.on('exit', (code, signal) => {
      child = null;
      const numbers = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 };
      resolve(code ?? 128 + (numbers[signal] ?? 0));
    });
  });
}

function fail(code, sentence) {
  process.stderr.write(`podctl: ${sentence}.\n`);
  process.exit(code);
}
