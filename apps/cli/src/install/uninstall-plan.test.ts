import { expect, test } from 'vitest';
import { effectLines } from './effect.ts';
import { servicePaths } from './install-paths.ts';
import { planUninstall, type UninstallFacts } from './uninstall-plan.ts';

const facts: UninstallFacts = {
  ...{ paths: servicePaths(null), root: '/', purge: true, systemd: true },
  ...{ unitThere: true, groupThere: true, othersThere: false },
  user: { uid: 997, gid: 997, home: '/var/lib/podctl', shell: '/usr/sbin/nologin' },
  folders: ['/var/lib/podctl'],
  stateNames: ['agent'],
  credentialNames: ['agent'],
};
const lines = (more: Partial<UninstallFacts> = {}) =>
  planUninstall({ ...facts, ...more }).flatMap(effectLines);

test('unit and settings go last, so that a run that was cut off can be run again', () => {
  const all = lines();
  const at = (words: string) => all.findIndex((line) => line.includes(words));
  expect(at('systemctl disable')).toBe(1);
  expect(at('remove  /etc/systemd/system/podctl-agent.service')).toBeGreaterThan(at('userdel'));
  expect(at('userdel')).toBeGreaterThan(at('remove  /var/lib/podctl'));
  expect(all.slice(-2)).toEqual([
    'remove  /etc/podctl/agent.yaml',
    'remove  /etc/podctl (if nothing else is in it)',
  ]);
});

test('what is kept is given to root, as far as it is there', () => {
  expect(lines({ purge: false })).toContain('run     chown -R 0:0 /var/lib/podctl');
  expect(lines({ purge: false, folders: [] }).join()).not.toContain('chown');
});

test.each([
  ['a person', { uid: 1000 }],
  ['a user with a home of its own', { home: '/home/podctl' }],
  ['a user who may log in', { shell: '/bin/bash' }],
])('%s who has the name stays, with the group and the files', (_, more) => {
  const user = facts.user === null ? null : { ...facts.user, ...more };
  expect(lines({ user, purge: false }).join()).not.toMatch(/userdel|groupdel|chown/);
});
