import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { effectLines } from '../install/effect.ts';
import { MachineRoot } from '../install/machine-root.ts';
import { keysStep } from './file-steps.ts';
import type { InitContext } from './init-context.ts';
import { planInit } from './init-plan.ts';
import { unitsStep } from './service-steps.ts';

let folder: string;
/** What systemctl is asked, and what it says to it; to everything else it says nothing. */
let asked: string[];
let answers: Map<string, string>;
let context: InitContext;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-init-steps-'));
  asked = [];
  answers = new Map();
  context = {
    plan: planInit({
      ...{ service: true, root: folder, folder: '/etc/podctl', advertise: null, hosts: ['box'] },
      ...{ natsHosts: ['127.0.0.1'], natsHere: [0], replicas: 1, libraryDir: null },
      ...{
        node: '/usr/bin/node',
        script: '/usr/lib/podctl.js',
        natsProgram: '/usr/bin/nats-server',
      },
    }),
    root: new MachineRoot(folder),
    wishes: { advertise: null, natsHosts: null, replicas: null, libraryDir: null },
    ...{ there: null, libraryDir: null, signal: new AbortController().signal, nowMs: Date.now },
    user: { name: 'you', configFolder: join(folder, 'config'), as: (act) => act() },
    ...{ contextName: 'fleet', changed: new Set(), keys: { authority: null } },
    async run(argv) {
      const words = argv.slice(1).join(' ');
      asked.push(words);
      return { kind: 'ended', code: 0, stdout: answers.get(words) ?? '', stderr: '' };
    },
  };
});
afterEach(() => rm(folder, { recursive: true }));

test('units that were written and enabled, but never read by systemd, are told to it', async () => {
  for (const { name, file } of context.plan.units) {
    const path = context.root.at(file.path);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, file.text, { mode: file.mode });
    answers.set(`is-enabled ${name}`, 'enabled\n');
  }
  const step = unitsStep(context);
  expect(await step.look()).toMatchObject({ state: 'done' });
  answers.set('show --property=NeedDaemonReload --value podctl-coordinator.service', 'yes\n');
  expect(await step.look()).toEqual({
    state: 'todo',
    missing: 'systemd has not read /etc/systemd/system/podctl-coordinator.service yet',
  });
  await step.act(() => undefined);
  expect(asked).toContain('daemon-reload');
  // So that the services are started anew.
  expect([...context.changed]).toEqual(['nats-restart', 'units']);
});

test('the keys have the modes that a dry run tells: everybody may read the certificate of the CA, and nothing else', async () => {
  const step = keysStep(context);
  const told = step
    .effects()
    .flatMap(effectLines)
    .flatMap((line) => {
      const [, path, mode] = /write (\S+) \(mode (\d+)/.exec(line) ?? [];
      return path === undefined ? [] : [`${path} ${mode}`];
    });
  await step.act(() => undefined);
  const modes = ['authority.json', 'admin.token', 'ca.crt'].map(async (name) => {
    const path = `/etc/podctl/authority/${name}`;
    const { mode } = await stat(context.root.at(path));
    return `${path} 0${(mode & 0o777).toString(8)}`;
  });
  expect(told).toEqual(await Promise.all(modes));
  expect(told[2]).toBe('/etc/podctl/authority/ca.crt 0644');
});
