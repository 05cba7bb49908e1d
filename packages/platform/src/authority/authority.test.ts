import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { authorityPaths, ensureAuthority } from './authority.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-authority-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('the keys of a fleet are for its user only, and the certificate of its CA is for everybody', async () => {
  await ensureAuthority(folder, Date.now());
  const paths = authorityPaths(folder);
  const modeOf = async (path: string) => (await stat(path)).mode & 0o777;
  expect([await modeOf(paths.secrets), await modeOf(paths.adminToken)]).toEqual([0o600, 0o600]);
  expect((await modeOf(paths.caCertificate)) & 0o477).toBe(0o444);
});
