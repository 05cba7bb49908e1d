import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSettings } from '@podctl/platform/config/load.ts';
import { expect, test } from 'vitest';
import { CommandError, EXIT } from '../command-error.ts';
import { agentStatus, statusLines } from './agent-status.ts';
import { credentialEnrolment } from './credential-enrolment.ts';
import { foregroundPaths } from './install-paths.ts';
import { MachineRoot } from './machine-root.ts';

const never = new AbortController().signal;

test('a credential that this user may not read hides nothing else', async () => {
  const dataDir = join(tmpdir(), 'podctl-no-such-folder');
  const settings = await loadSettings({ file: null, dataDir, version: '0' });
  const installation = { paths: foregroundPaths(dataDir), found: true, settings };
  const enrolment = {
    ...credentialEnrolment(installation, new MachineRoot('/')),
    look: () => Promise.reject(new CommandError(EXIT.denied, 'c is not readable: run with sudo')),
  };
  const view = await agentStatus(installation, enrolment, async () => ({ kind: 'missing' }), never);
  expect(view).toMatchObject({ enrolled: null, running: false });
  expect(statusLines(view)).toContain('credential  c is not readable: run with sudo');
});
