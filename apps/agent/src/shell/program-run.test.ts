import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runProgram } from './program-run.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-program-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Of a shell's lines; called off after 4 s. */
async function endOf(lines: string) {
  const heard: string[] = [];
  const spec = {
    ...{ name: 'babbler', command: 'sh', args: ['-c', lines], folder, uncounted: [] },
    ...{ env: process.env, lockFd: null, clock: systemClock, outputBytesMax: 100_000 },
    onLine: (line: string) => void heard.push(line),
    said: () => undefined,
  };
  const end = await runProgram(spec, AbortSignal.timeout(4_000));
  return { end, heard };
}

test('a line without an end is killed', async () => {
  const { end } = await endOf("yes babble | tr -d '\\n'");
  expect(end).toEqual({
    kind: 'boundless',
    message: 'babbler wrote more than 100000 bytes to its stdout and was killed.',
  });
});

test('empty lines without an end are killed, and no more of them are kept than bytes may be', async () => {
  const { end, heard } = await endOf("yes ''");
  expect(end).toMatchObject({ kind: 'boundless' });
  expect(heard.length).toBeLessThanOrEqual(100_000);
});

test('files in folders within its folder are counted', async () => {
  const { end } = await endOf(
    'mkdir -p a/b && head -c 200000 /dev/zero > a/b/c && while :; do sleep 0.1; done',
  );
  expect(end).toMatchObject({ kind: 'boundless', message: expect.stringContaining('its folder') });
});
