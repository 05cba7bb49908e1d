import { execFileSync } from 'node:child_process';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ok } from '@podctl/domain/result.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { askReadiness } from './agent-readiness.ts';
import { dryRun, runChecklist, type Step } from './checklist.ts';
import { type InstallSession, installSession } from './install-session.ts';
import { installedHere, plannedInstallation, type Whereabouts } from './installation.ts';
import { MachineRoot } from './machine-root.ts';
import type { Enrolment } from './ports.ts';
import { programRunner } from './run-program.ts';
import { uninstall, uninstallEffects, uninstallLines } from './uninstall.ts';

const never = new AbortController().signal;
const isRoot = process.getuid?.() === 0;
if (!isRoot) console.warn('SKIPPED: only root can make users, so no service is installed');

let folder: string;
let root: MachineRoot;
let where: Whereabouts;
let envBefore: NodeJS.ProcessEnv;
let sessions: InstallSession[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-install-'));
  await chmod(folder, 0o755);
  root = new MachineRoot(join(folder, 'root'));
  await mkdir(root.path);
  where = { root, dataDirFlag: null, dataDirDefault: join(folder, 'data'), version: '0' };
  await writeFile(join(folder, 'podctl.mjs'), STAND_IN);
  envBefore = { ...process.env };
  // The engine is the real one, which the tests' set-up has made.
  process.env.PODCTL_PYTHON_ROOT = dirname(dirname(dirname(testPython())));
  process.env.STAND_IN_FOLDER = folder;
  sessions = [];
});

afterEach(async () => {
  for (const { foreground } of sessions) await foreground?.stop();
  process.env = envBefore;
  await rm(folder, { recursive: true });
});

/** In place of `podctl agent run`: it listens as its settings say, is welcomed, and leaves a word when it is asked to end. */
const STAND_IN = `
import { createServer } from 'node:http';
import { appendFileSync, readFileSync } from 'node:fs';
const config = readFileSync((process.env.STAND_IN_ROOT ?? '') + process.argv[process.argv.indexOf('--config') + 1], 'utf8');
const [, port] = /listen: "127\\.0\\.0\\.1:(\\d+)"/.exec(config);
const say = (word) => appendFileSync(process.env.STAND_IN_FOLDER + '/said', word + '\\n');
process.on('SIGTERM', () => { say('drained'); process.exit(0); });
createServer((_, answer) => answer.end('[+] nats: connected\\n[+] session: welcomed by the leader\\nready\\n'))
  .listen(Number(port), '127.0.0.1', () => say('listens'));
`;

/** A credential that is a file, without a coordinator to ask for it. */
function enrolment(stateDir: string, more: Partial<Enrolment> = {}): Enrolment {
  const path = join(stateDir, 'agent', 'credential.json');
  return {
    runFlags: [],
    files: ['agent'],
    async look() {
      const text = await readFile(path, 'utf8').catch(() => null);
      if (text === null) return { state: 'absent', why: 'it has no credential yet' };
      return { state: 'enrolled', agentId: text, fleet: 'ours', addresses: [], expiresAtMs: null };
    },
    read: (fleet) => ok({ addresses: [], fleet }),
    refused: async () => false,
    leaver: async () => null,
    async enrol({ agentId }) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, agentId, { mode: 0o600 });
    },
    ...more,
  };
}

interface Wish {
  readonly mode: 'service' | 'foreground';
  /** Loading the engine takes seconds: one test does it, and has the self-test, too. */
  readonly engine: boolean;
  /** The join text; null: none. */
  readonly fleet?: string | null;
  readonly enrolment?: Partial<Enrolment>;
  readonly dryRun?: boolean;
}

async function session(wish: Wish): Promise<InstallSession> {
  const { mode, engine, fleet = 'ours', dryRun = false } = wish;
  const installation = await plannedInstallation(mode, where);
  const made = await installSession({
    ...{ installation, root, dryRun, selfTest: engine, signal: never },
    enrolment: enrolment(root.at(installation.paths.stateDir), wish.enrolment),
    name: installation.found ? null : 'gpu1',
    joinText: fleet,
    script: join(folder, 'podctl.mjs'),
    told: () => undefined,
  });
  sessions.push(made);
  return engine ? made : { ...made, steps: made.steps.filter(({ id }) => id !== 'engine') };
}

/** One step, without those before it. */
async function step(id: string, wish: Wish): Promise<Step> {
  const found = (await session(wish)).steps.find((one) => one.id === id);
  if (found === undefined) throw new Error(`there is no step ${id}`);
  return found;
}

/** Installs, and tells each step's state. */
async function install(mode: Wish['mode'], engine = false) {
  const made = await session({ mode, engine });
  const { steps, failure } = await runChecklist(
    made.steps,
    { progress: () => undefined, settled: () => undefined },
    never,
  );
  if (failure !== null) throw failure;
  return { made, states: steps.map(({ id, state }) => `${id} ${state}`), steps };
}

/** The sentence of the step that failed. */
async function refusal(wish: Wish): Promise<string> {
  const view = { progress: () => undefined, settled: () => undefined };
  const { failure } = await runChecklist((await session(wish)).steps, view, never);
  return failure?.message ?? 'nothing was refused';
}

async function remove(purge: boolean): Promise<readonly string[]> {
  const installation = await installedHere(where);
  if (installation === null) throw new Error('nothing is installed');
  const request = {
    installation,
    root,
    purge,
    enrolment: enrolment(root.at(installation.paths.stateDir)),
  };
  const effects = await uninstallEffects(request);
  await uninstall(effects, root, programRunner(never));
  return uninstallLines(effects);
}

async function tree(path: string): Promise<readonly string[]> {
  return (await readdir(path, { recursive: true })).toSorted();
}

describe('without systemd', () => {
  beforeEach(() => {
    root = new MachineRoot('/');
    where = { ...where, root };
  });

  test('a dry run prints each file and command, and leaves not even a folder', async () => {
    const lines = (await dryRun((await session({ mode: 'foreground', engine: false })).steps)).join(
      '\n',
    );
    expect(lines).toContain(`file    ${join(folder, 'data', 'agent.yaml')} (mode 0644)`);
    expect(lines).toContain('id: "gpu1"');
    expect(await readdir(folder)).toEqual(['podctl.mjs', 'root']);
  });

  test('the agent runs under the install, is heard, hears a known clip right, drains at the end, and is purged', async () => {
    const { made, states, steps } = await install('foreground', true);
    expect(states).toEqual([
      'preflight ok',
      'gpu ok',
      'configuration changed',
      'engine ok',
      'enrol changed',
      'user ok',
      'unit ok',
      'start changed',
      'heartbeat ok',
      'self-test changed',
    ]);
    expect(steps.at(-1)?.note).toMatch(
      /tiny.en on \w+ .* at [\d.]+ times real time, [0-9] % of its words wrong/,
    );
    await made.foreground?.stop();
    expect(await readFile(join(folder, 'said'), 'utf8')).toBe('listens\ndrained\n');
    await remove(true);
    expect(await readdir(folder)).toEqual(['podctl.mjs', 'root', 'said']);
  });
});

test('without a join text it goes as far as it can, and with one of another fleet it changes nothing', async () => {
  root = new MachineRoot('/');
  where = { ...where, root };
  const wish = { mode: 'foreground', engine: false } as const;
  expect(await refusal({ ...wish, fleet: null })).toMatch(
    /^this machine is in no fleet yet.*--join-file/,
  );
  await enrolment(where.dataDirDefault).enrol(
    { agentId: 'gpu1', joinText: '' },
    { signal: never, told: () => undefined },
  );
  expect(await refusal({ ...wish, fleet: 'theirs' })).toMatch(
    /in another fleet.*uninstall --purge/,
  );
});

describe('the enrolment', () => {
  const there: Partial<Enrolment> = {
    look: async () => ({
      ...{ state: 'enrolled', agentId: 'gpu1', fleet: 'ours', expiresAtMs: null },
      addresses: ['https://127.0.0.1:2', 'tls://127.0.0.1:1'],
    }),
  };
  const wish = { mode: 'foreground', engine: false } as const;
  beforeEach(() => {
    root = new MachineRoot('/');
    where = { ...where, root };
  });

  test('is done anew where the fleet refuses the old one, if there is a token, and not in a dry run', async () => {
    const put = { ...there, refused: async () => true };
    const look = async (more: Partial<Wish>) =>
      (await (await step('enrol', { ...wish, enrolment: put, ...more })).look()).state;
    expect(await look({})).toBe('todo');
    expect([await look({ fleet: null }), await look({ dryRun: true })]).toEqual(['done', 'done']);
    expect((await (await step('enrol', { ...wish, enrolment: there })).look()).state).toBe('done');
  });

  test('that gives an address of NATS which is closed ends with 5, and names the port', async () => {
    const enrol = await step('enrol', { ...wish, enrolment: there });
    await expect(enrol.act(() => undefined)).rejects.toMatchObject({
      exitCode: 5,
      message: expect.stringMatching(/has joined, and tls:.*open port 1 there/),
    });
    const preflight = await step('preflight', { ...wish, enrolment: there });
    await expect(preflight.look()).rejects.toMatchObject({ exitCode: 5 });
  });
});

test('a dry run loads no model', async () => {
  const engine = await step('engine', { mode: 'foreground', engine: true, dryRun: true });
  expect(await engine.look()).toEqual({
    state: 'todo',
    missing: 'its Python environment is there; the model would be loaded',
  });
  expect(engine.effects()).toHaveLength(1);
});

describe.skipIf(!isRoot)('as a service', () => {
  beforeEach(async () => {
    await mkdir(root.at('/run/systemd/system'), { recursive: true });
    await mkdir(root.at('/etc/systemd/system/multi-user.target.wants'), { recursive: true });
    await mkdir(root.at('/var/lib'), { recursive: true });
    await mkdir(root.at('/var/cache'), { recursive: true });
    const users = {
      passwd: 'root:x:0:0::/root:/bin/sh',
      group: 'root:x:0:\nvideo:x:44:',
      shadow: 'root:*:1::::::',
      gshadow: 'root:*::\nvideo:*::',
    };
    for (const [name, text] of Object.entries(users))
      await writeFile(root.at(`/etc/${name}`), `${text}\n`);
    // shadow's programs keep a copy of each from before.
    for (const name of Object.keys(users))
      await cp(root.at(`/etc/${name}`), root.at(`/etc/${name}-`));
    await mkdir(join(folder, 'bin'));
    await writeFile(join(folder, 'bin', 'systemctl'), SYSTEMCTL, { mode: 0o755 });
    process.env.PATH = `${join(folder, 'bin')}:${process.env.PATH}`;
    process.env.STAND_IN_ROOT = root.path;
  });
  afterEach(() => {
    execFileSync(join(folder, 'bin', 'systemctl'), ['disable', '--now', 'podctl-agent.service'], {
      timeout: 5_000,
    });
  });

  test('a second run changes nothing, a third repairs what was broken and that alone, and purging leaves the tree as it was', async () => {
    const before = await tree(root.path);
    const first = await install('service');
    expect(first.states).toEqual([
      'preflight ok',
      'gpu ok',
      'configuration changed',
      'enrol changed',
      'user changed',
      'unit changed',
      'start changed',
      expect.stringMatching('heartbeat '),
    ]);
    expect(await readFile(root.at('/etc/group'), 'utf8')).toMatch(/^video:x:44:podctl$/m);
    const credential = await lstat(root.at('/var/lib/podctl/agent/credential.json'));
    expect(credential.uid).toBe((await root.user('podctl'))?.uid);

    const second = await install('service');
    expect(second.states.filter((state) => !state.endsWith(' ok'))).toEqual([]);

    await rm(root.at('/etc/systemd/system/podctl-agent.service'));
    const third = await install('service');
    expect(third.states.filter((state) => state.endsWith(' changed'))).toEqual(
      expect.arrayContaining(['unit changed', 'start changed']),
    );
    expect(third.states).toContain('user ok');
    expect(third.states).toContain('enrol ok');

    const removed = await remove(true);
    // It hands its work back at once, then it is stopped.
    expect(removed.slice(0, 2)).toEqual([
      'run     systemctl kill --kill-who=main --signal=HUP podctl-agent.service',
      'run     systemctl disable --now podctl-agent.service',
    ]);
    expect(await tree(root.path)).toEqual(before);
    expect(await readFile(root.at('/etc/passwd'), 'utf8')).not.toContain('podctl');
    expect(await readFile(root.at('/etc/group'), 'utf8')).not.toContain('podctl');
    expect(await askReadiness('127.0.0.1:1', never)).toMatchObject({ kind: 'unreachable' });
  });

  test('uninstalled with its data kept, it comes back with its name and credential', async () => {
    await install('service');
    await remove(false);
    expect(await root.user('podctl')).toBeNull();
    const kept = await lstat(root.at('/var/lib/podctl/agent/credential.json'));
    expect(kept.uid).toBe(0);
    const again = await install('service');
    expect(again.states).toContain('enrol ok');
    expect(again.made.agentId).toBe('gpu1');
    await chown(root.at('/var/lib/podctl/agent/credential.json'), 0, 0);
    expect(await (await step('user', { mode: 'service', engine: false })).look()).toMatchObject({
      missing: expect.stringMatching(/agent\/credential.json does not belong to it/),
    });
  });

  test('a unit that was written but never read by systemd is told to it, and the service starts anew', async () => {
    await install('service');
    await writeFile(join(folder, 'unread'), '');
    const { states } = await install('service');
    expect(states).toEqual(expect.arrayContaining(['unit changed', 'start changed']));
    expect(await readdir(folder)).not.toContain('unread');
  });

  test('settings from before the first install may name no folder of somebody, and must name a port', async () => {
    await mkdir(root.at('/etc/podctl'), { recursive: true });
    await mkdir(root.at('/srv/music'), { recursive: true });
    await writeFile(root.at('/srv/music/song.mp3'), 'mine');
    await writeFile(root.at('/etc/podctl/agent.yaml'), 'dataDir: /srv/music\n');
    const wish = { mode: 'service', engine: false } as const;
    await expect((await step('preflight', wish)).look()).rejects.toThrow(
      /\/srv\/music belongs to somebody else \(it holds "song.mp3"\).*--data-dir/,
    );
    await expect((await step('configuration', wish)).look()).rejects.toThrow(
      /agent.yaml names no port.*add "agent: {http: {listen:/,
    );
    expect((await session(wish)).plan.command.slice(-2)).toEqual(['--data-dir', '/srv/music']);
  });

  test('a coordinator that runs as the same user keeps the user and its own folders', async () => {
    await install('service');
    await writeFile(
      root.at('/etc/systemd/system/podctl-coordinator.service'),
      '[Service]\nUser=podctl\n',
    );
    await mkdir(root.at('/var/lib/podctl/coordinator'));
    await remove(true);
    expect(await root.user('podctl')).not.toBeNull();
    expect(await readdir(root.at('/var/lib/podctl'))).toEqual(['coordinator']);
  });
});

/** As much of systemctl as the install asks for: what it starts is a real process. */
const SYSTEMCTL = `#!/bin/sh
units=$STAND_IN_ROOT/etc/systemd/system
link=$units/multi-user.target.wants/podctl-agent.service
pid=$STAND_IN_FOLDER/pid
end() { [ -f "$pid" ] || return 0; kill "$(cat "$pid")" 2>/dev/null; while grep -q '^State:.[RSD]' "/proc/$(cat "$pid")/status" 2>/dev/null; do :; done; rm "$pid"; }
case "$1" in
is-active) if [ -f "$pid" ] && grep -q '^State:.[RSD]' "/proc/$(cat "$pid")/status" 2>/dev/null; then echo active; else echo inactive; exit 3; fi ;;
is-enabled) if [ -L "$link" ]; then echo enabled; else echo disabled; exit 1; fi ;;
show) [ ! -f "$STAND_IN_FOLDER/unread" ] || echo yes ;;
daemon-reload) rm -f "$STAND_IN_FOLDER/unread" ;;
enable) ln -sf ../podctl-agent.service "$link" ;;
restart) end; $(sed -n 's/^ExecStart=//p' "$units/podctl-agent.service") >/dev/null 2>&1 & echo $! > "$pid" ;;
disable) end; rm -f "$link" ;;
esac
`;
