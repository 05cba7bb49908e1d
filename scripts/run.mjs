// The one entry of every npm script. Plain JavaScript with built-ins only: it runs on the Node that the machine has (20 or
// newer), installs the locked packages when the lockfile changed, then hands over to the Node 24 that came with them.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(root, 'node_modules', '.bin', name);
const script = (path) => [bin('node'), join(root, path)];
const podctl = script('apps/cli/bin/podctl.ts');

/** Each script as the commands it runs, in order; the words after the script's name go to the last of them. */
const SCRIPTS = {
  start: [[...podctl, 'up', '--sample', '--data-dir', join(root, '.podctl')]],
  podctl: [podctl],
  test: [[bin('node'), bin('vitest'), 'run']],
  format: [[bin('biome'), 'format', '--write']],
  lint: [[bin('biome'), 'check', '--error-on-warnings']],
  types: [[bin('tsc'), '--noEmit', '-p', 'tsconfig.json']],
  proto: [[...script('scripts/check-proto.mjs')]],
  generate: [[bin('buf'), 'generate']],
  'bench:state': [[...script('test/bench/state.ts')]],
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
let installing = false;
/** npm takes its time to stop, and what it leaves is done anew by the next start. */
const NPM_STOP_MS = 2_000;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
// npm killed -9 cannot tell us; an adopted process sees that its parent changed.
if (process.env.npm_lifecycle_event !== undefined) {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    if (child === null) process.exit(143);
    stop('SIGTERM');
  }, 500);
  watch.unref();
}

function stop(signal) {
  stopping = signal;
  if (installing) setTimeout(() => child?.kill('SIGKILL'), NPM_STOP_MS).unref();
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
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const mark = join(root, 'node_modules', '.installed');
  if (existsSync(mark) && existsSync(bin('node')) && readFileSync(mark, 'utf8') === lock) return;
  const count = Object.keys(
    JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages,
  ).length;
  const began = Date.now();
  const say = (text) => process.stderr.write(`${text}\n`);
  say(`Installing npm packages: up to ${count}, about 110 MB to fetch (once)`);
  const tick = setInterval(() => {
    say(`  still installing npm packages, ${Math.round((Date.now() - began) / 1000)} s`);
  }, 5_000);
  installing = true;
  const code = await run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  installing = false;
  clearInterval(tick);
  if (stopping !== null) {
    const numbers = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
    fail(
      numbers[stopping],
      `stopped by ${stopping} while npm packages were installed; run the same command to go on`,
    );
  }
  if (code !== 0) {
    fail(
      code,
      `npm ci ended with code ${code}; see its words above, mend that, then run the same command again`,
    );
  }
  if (!existsSync(bin('node')) || spawnSync(bin('node'), ['--version']).status !== 0) {
    fail(
      1,
      `no Node 24 for ${process.platform} on ${process.arch} came with the packages; expected Linux on x64 or arm64`,
    );
  }
  mkdirSync(dirname(mark), { recursive: true });
  writeFileSync(mark, lock);
  say(`Installed npm packages in ${((Date.now() - began) / 1000).toFixed(0)} s`);
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
