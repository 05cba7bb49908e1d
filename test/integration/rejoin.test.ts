import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { writeAgentCredential } from '@podctl/platform/agent-credential.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startPodctl } from '../../apps/cli/test/run-podctl.ts';
import { agentNamed } from '../support/access-world.ts';
import { testPython } from '../support/python.ts';
import { EnrolmentWorld } from './enrolment-world.ts';

let folder: string;
let world: EnrolmentWorld;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-rejoin-'));
  world = await EnrolmentWorld.start();
});
afterEach(async () => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
});

test('"agent run --join-file" on a machine that was put out says so, and joins anew with the token under its name', async () => {
  const path = join(folder, 'agent', 'credential.json');
  await writeAgentCredential(path, await world.joined('far'));
  const before = await readFile(path, 'utf8');
  await world.desk.revokeAgent(agentNamed('far'), 'test');
  await writeFile(join(folder, 'token'), await world.token());

  const { child, ended, shows } = startPodctl(
    ['agent', 'run', '--data-dir', folder, '--join-file', join(folder, 'token')],
    { cwd: folder, env: { PODCTL_PYTHON_ROOT: dirname(dirname(dirname(testPython()))) } },
  );
  await shows('Joined the fleet as far');
  child.kill('SIGINT');
  const { stderr, code } = await ended;
  expect(code).toBe(130);
  expect(stderr).toContain(
    'The fleet refuses the credential of this machine: joining anew with the token\n',
  );
  const after = await readFile(path, 'utf8');
  expect([JSON.parse(after).agent, after === before]).toEqual(['far', false]);
  expect(world.desk.credential(agentNamed('far'))?.revokedMs).toBeNull();
  expect(world.desk.tokens().map(({ uses }) => uses.length)).toEqual([1, 1]);
});
