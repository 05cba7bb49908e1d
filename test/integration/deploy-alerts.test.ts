import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { findPromtool } from './deploy-promtool.ts';

const run = promisify(execFile);
const DEPLOYED = fileURLToPath(new URL('../../deploy/prometheus', import.meta.url));
const UNIT_TESTS = ['alerts_test.yml', 'alerts_hours_test.yml', 'alerts_feeds_test.yml'];
/** It takes 3 s alone. */
const PROMTOOL_MS_MAX = 110_000;

const tell = (line: string) => process.stderr.write(`${line}\n`);
const promtool = await findPromtool(tell);
if (promtool.kind === 'absent')
  tell(
    `SKIPPED: the alert rules are not tested, since promtool cannot be had (${promtool.why}). Install the package "prometheus", or name one in PODCTL_TEST_PROMTOOL.`,
  );
const withPromtool = test.skipIf(promtool.kind === 'absent');

async function check(words: readonly string[], cwd = DEPLOYED) {
  if (promtool.kind === 'absent') throw new Error(promtool.why);
  return await run(promtool.path, words, { cwd, timeout: PROMTOOL_MS_MAX });
}

withPromtool(
  'the alert rules and the example of a configuration are valid',
  async () => {
    const { stdout } = await check(['check', 'rules', 'alerts.yml']);
    expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
    await check(['check', 'config', 'prometheus.example.yml']);
  },
  120_000,
);

withPromtool(
  'each alert fires when it should, and is quiet when it should not',
  async () => {
    const { stdout } = await check(['test', 'rules', ...UNIT_TESTS]);
    expect(stdout.match(/SUCCESS/g)).toHaveLength(UNIT_TESTS.length);
  },
  120_000,
);

withPromtool(
  'the unit tests notice a rule that is wrong',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-alerts-'));
    try {
      await cp(DEPLOYED, folder, { recursive: true });
      const rules = await readFile(join(DEPLOYED, 'alerts.yml'), 'utf8');
      const wrong = rules.replace(
        '(max(podctl_leader) or vector(0)) < 1',
        'max(podctl_leader) < 1',
      );
      expect(wrong).not.toBe(rules);
      await writeFile(join(folder, 'alerts.yml'), wrong);
      await expect(check(['test', 'rules', 'alerts_test.yml'], folder)).rejects.toThrow('FAILED');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
  120_000,
);
