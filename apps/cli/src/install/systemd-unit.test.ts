import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { agentUnit, commandWord, unitWord } from './systemd-unit.ts';
import { unitExamples } from './unit-examples.ts';

const FOLDER = new URL('../../../../deploy/systemd/', import.meta.url);
const UNITS_OF_SYSTEMD = '/usr/lib/systemd/system';
const hasSystemd =
  spawnSync('systemd-analyze', ['--version']).status === 0 && existsSync(UNITS_OF_SYSTEMD);
if (!hasSystemd)
  console.warn('SKIPPED: there is no systemd-analyze here, so nothing verifies the units');

const unit = {
  command: ['/usr/bin/node', '/opt/podctl/podctl.js', 'agent', 'run'],
  environment: {},
  user: 'podctl',
  supplementaryGroups: ['video'],
  drainMs: 600_000,
  stateDir: '/var/lib/podctl',
  managed: true,
};

test('the units of deploy/systemd are what podctl makes, and there are no others', async () => {
  const examples = unitExamples();
  const names = (await readdir(FOLDER)).filter((name) => name.endsWith('.service'));
  expect(names.toSorted()).toEqual(Object.keys(examples).toSorted());
  for (const [name, text] of Object.entries(examples))
    expect(await readFile(new URL(name, FOLDER), 'utf8')).toBe(text);
});

describe('the agent’s unit', () => {
  test('starts it again without end, and lets it drain for as long as its settings say', () => {
    const lines = agentUnit(unit).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'Type=exec',
        'Restart=always',
        'RestartSec=5',
        'StartLimitIntervalSec=0',
        'KillSignal=SIGTERM',
        'KillMode=mixed',
        'TimeoutStopSec=620',
        'UMask=0077',
        'StateDirectory=podctl',
        'CacheDirectory=podctl',
      ]),
    );
    expect(agentUnit({ ...unit, drainMs: 0 })).toContain('\nTimeoutStopSec=20\n');
  });

  test('has nothing that V8 or a GPU does not bear', () => {
    const text = agentUnit(unit);
    for (const name of [
      'MemoryDenyWriteExecute',
      'PrivateDevices',
      'ProtectClock',
      'ProcSubset',
      'WatchdogSec',
    ])
      expect(text).not.toContain(name);
  });

  test('names only the groups that there are, and makes a folder of one’s own choice writable', () => {
    expect(agentUnit({ ...unit, supplementaryGroups: [] })).not.toContain('SupplementaryGroups');
    const own = agentUnit({ ...unit, stateDir: '/srv/my podcasts', managed: false });
    expect(own).toContain('\nReadWritePaths="/srv/my podcasts"\n');
    expect(own).not.toContain('StateDirectory');
  });
});

test('a word with a space, a quote, a per cent or a dollar sign reaches the program as it is', () => {
  expect(unitWord('/usr/bin/node')).toBe('/usr/bin/node');
  expect(unitWord('a b')).toBe('"a b"');
  expect(unitWord('50%')).toBe('50%%');
  expect(unitWord('say "hi" \\ there')).toBe('"say \\"hi\\" \\\\ there"');
  expect(unitWord('A=$b')).toBe('A=$b');
  expect(commandWord('A=$b')).toBe('A=$$b');
});

describe.skipIf(!hasSystemd)('systemd-analyze', () => {
  let root: string;
  beforeAll(() => {
    // A root with systemd's own units and the programs that ours name: nothing of this machine is looked at.
    root = mkdtempSync(join(tmpdir(), 'podctl-units-'));
    cpSync(UNITS_OF_SYSTEMD, join(root, UNITS_OF_SYSTEMD), {
      recursive: true,
      verbatimSymlinks: true,
    });
    for (const program of ['/usr/local/bin/podctl', '/usr/local/bin/nats-server', '/bin/kill']) {
      mkdirSync(join(root, program, '..'), { recursive: true });
      writeFileSync(join(root, program), '#!/bin/sh\n');
      chmodSync(join(root, program), 0o755);
    }
    mkdirSync(join(root, '/etc/systemd/system'), { recursive: true });
    for (const [name, text] of Object.entries(unitExamples()))
      writeFileSync(join(root, '/etc/systemd/system', name), text);
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const verify = (name: string) =>
    spawnSync('systemd-analyze', ['verify', '--man=no', `--root=${root}`, name], {
      encoding: 'utf8',
    });

  test.each(Object.keys(unitExamples()))('verify says nothing of %s', (name) => {
    const ran = verify(name);
    expect(linesAbout(ran.stderr, name)).toEqual([]);
    expect(ran.status).toBe(0);
  });

  test('verify does say something of a unit that is wrong', () => {
    const broken = agentUnit(unit)
      .replace('Type=exec', 'Type=forever')
      .replace('/usr/bin/node', 'node%');
    writeFileSync(join(root, '/etc/systemd/system/broken.service'), broken);
    expect(linesAbout(verify('broken.service').stderr, 'broken.service')).not.toEqual([]);
  });

  test.each([
    ['podctl-agent.service', 3.6],
    ['podctl-coordinator.service', 1.6],
    ['podctl-nats.service', 1.6],
  ])('%s is exposed by at most %d of 10', (name, exposureMax) => {
    const path = join(root, '/etc/systemd/system', name);
    const told = execFileSync('systemd-analyze', ['security', '--offline=true', path], {
      encoding: 'utf8',
    });
    const [, exposure = '10'] = /exposure level for \S+: ([\d.]+)/.exec(told) ?? [];
    expect(Number(exposure)).toBeLessThanOrEqual(exposureMax);
  });
});

/** Of systemd's own units it may say what it likes. */
function linesAbout(stderr: string, name: string): readonly string[] {
  return stderr.split('\n').filter((line) => line.includes(name));
}
