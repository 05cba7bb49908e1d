import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { clockFeed, type FixedCoordinator, startFixedCoordinator } from './fixed-coordinator.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';
import { runOnTerminal } from './terminal.ts';

const feeds = [
  { ...clockFeed, title: 'Clocks, and "more"\u001b[31m', dead: 1 },
  { ...clockFeed, feedId: 'a-second-show', title: 'Second', dead: 4 },
];
let coordinator: FixedCoordinator;

beforeAll(async () => {
  coordinator = await startFixedCoordinator(feeds);
});
afterAll(() => coordinator.stop());

const podctl = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  runPodctl([...args, '--server', coordinator.address], { env });

describe.concurrent('a list', () => {
  test('is the same data as JSON, JSON Lines and YAML, and flat as CSV', async () => {
    const text = async (form: string) => (await podctl(['feed', 'list', '-o', form])).stdout;
    const document = JSON.parse(await text('json'));
    expect(parse(await text('yaml'))).toEqual(document);
    const lines = (await text('jsonl')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(document.items);
    const csv = (await text('csv')).trim().split('\n');
    expect(csv[0]?.split(',')).toEqual(Object.keys(document.items[0]));
    expect(csv[1]).toContain('"Clocks, and ""more"" [31m"');
    expect(await text('name')).toBe('the-clockmakers\na-second-show\n');
  });

  test('is sorted whole before it is cut', async () => {
    const ran = await podctl(['feed', 'list', '--sort-by', '-dead', '--limit', '1', '-o', 'name']);
    expect(ran.stdout).toBe('a-second-show\n');
    const wrong = await podctl(['feed', 'list', '--sort-by', 'ded']);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
    expect(wrong.stderr).toContain('did you mean dead?');
  });

  test('shows times as they are when asked, and whole cells where no terminal is', async () => {
    const { stdout } = await podctl(['feed', 'list', '--time', 'iso'], { COLUMNS: '20' });
    expect(stdout).toContain('2026-03-19T06:30:00.000Z');
    expect(stdout).not.toContain('…');
  });

  test('takes its form from PODCTL_OUTPUT, which a flag overrules and an unknown word spoils', async () => {
    const env = { PODCTL_OUTPUT: 'name' };
    expect((await podctl(['feed', 'list'], env)).stdout).toBe('the-clockmakers\na-second-show\n');
    expect((await podctl(['feed', 'list', '--json'], env)).stdout).toMatch(/^\{/);
    // One object has no names to print: it is shown as ever.
    expect((await podctl(['status'], env)).stdout).toMatch(/^Health/);
    expect((await podctl(['status'], { PODCTL_OUTPUT: 'xml' })).code).toBe(2);
  });
});

describe.concurrent('every command', () => {
  test('takes global flags before its name', async () => {
    const ran = await runPodctl(['--server', coordinator.address, '-o', 'json', 'status']);
    expect(JSON.parse(ran.stdout)).toMatchObject({ feeds: 1 });
  });

  test('shows one object as YAML, and its errors too', async () => {
    expect(parse((await podctl(['status', '-o', 'yaml'])).stdout)).toMatchObject({
      revision: '42',
    });
    const failed = await podctl(['episode', 'show', 'zzzz', '-o', 'yaml']);
    expect(failed.code).toBe(3);
    expect(parse(failed.stdout)).toEqual({
      error: { message: 'no episode begins with that id', exitCode: 3 },
    });
  });

  test('tells under --verbose whom it asked, on stderr', async () => {
    const ran = await podctl(['status', '-v']);
    expect(ran.stderr).toContain(`Asking ${coordinator.address} (from --server), not encrypted`);
    expect(ran.stdout).not.toContain('Asking');
  });

  test('takes short flags together', async () => {
    const ran = await podctl(['feed', 'list', '-qo', 'yaml']);
    expect(parse(ran.stdout)).toMatchObject({ apiVersion: 'podctl/v1' });
    const watched = await podctl(['feed', 'list', '-wo', 'csv']);
    expect([watched.code, watched.stderr]).toEqual([2, expect.stringContaining('--watch cannot')]);
  });

  test('begins its help with what it is for and examples to copy', async () => {
    const { stdout } = await runPodctl(['lock', 'show', '-h']);
    expect(stdout).toMatch(/^Show one held lock.*\n\nEXAMPLES\n {2}\$ podctl lock show k7qm\n/);
    expect(stdout.indexOf('USAGE')).toBeGreaterThan(stdout.indexOf('EXAMPLES'));
  });

  test('tells wrong usage as every other error, on stdout under --json', async () => {
    const ran = await podctl(['episode', 'show', '--json']);
    expect([ran.code, ran.stderr]).toEqual([2, '']);
    expect(JSON.parse(ran.stdout)).toEqual({
      error: { message: expect.stringContaining('"podctl episode show" needs ID; '), exitCode: 2 },
    });
  });

  test('that is none is told with the one that was meant, without asking, with 127', async () => {
    const ran = await runPodctl(['feed', 'lsit'], { input: 'y\n' });
    expect([ran.code, ran.stdout]).toEqual([127, '']);
    expect(ran.stderr).toBe(
      'podctl: there is no command "feed lsit"; did you mean "podctl feed list"?\n',
    );
  });
});

test('--watch prints a change as one line when it comes, and Ctrl-C ends it with 130', async () => {
  const watching = startPodctl([
    ...['feed', 'list', '-w', '-o', 'jsonl', '--server', coordinator.address],
  ]);
  await watching.shows('"type":"added"');
  feeds.splice(0, 2, { ...clockFeed, dead: 7 });
  await watching.shows('"type":"removed"');
  watching.child.kill('SIGINT');
  const { code, stdout } = await watching.ended;
  expect(code).toBe(130);
  const changes = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(changes.map(({ type, item }) => [type, item.feedId, item.dead])).toEqual([
    ['added', 'the-clockmakers', 1],
    ['added', 'a-second-show', 4],
    ['changed', 'the-clockmakers', 7],
    ['removed', 'a-second-show', 4],
  ]);
});

test('on a narrow terminal cells are cut, and whole with --no-trunc', async () => {
  const args = ['agent', 'list', '-o', 'wide', '--server', coordinator.address];
  const narrow = runOnTerminal(args, 70, 20);
  expect(await narrow.ended).toBe(0);
  expect(narrow.rows().filter((row) => row !== '')).toHaveLength(2);
  expect(narrow.written()).toContain('…');
  const whole = runOnTerminal([...args, '--no-trunc'], 70, 20);
  await whole.ended;
  expect(whole.written()).not.toContain('…');
});
