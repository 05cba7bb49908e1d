import { Event_Type } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type FixedEvents,
  type FixedStreams,
  startFixedEvents,
  storedEvent,
} from './fixed-events.ts';
import { runPodctl, startPodctl } from './run-podctl.ts';

const three = [1, 2, 3].map((n) => storedEvent(n, `event ${n}`));

let fixed: FixedEvents | null = null;
afterEach(() => fixed?.stop());

async function served(streams?: FixedStreams): Promise<FixedEvents> {
  fixed = await startFixedEvents(three, streams);
  return fixed;
}

const events = ({ address }: FixedEvents, ...args: string[]) =>
  runPodctl(['events', '--server', address, ...args]);

describe('events', () => {
  test('lists the newest hundred, the time of each in full', async () => {
    const server = await served();
    const ran = await events(server);
    const lines = ran.stdout.trimEnd().split('\n');
    expect([ran.code, lines.length]).toEqual([0, 4]);
    expect(lines[0]).toMatch(/^TIME +TYPE +FEED +EPISODE +STAGE +AGENT +MESSAGE$/);
    expect(lines[1]).toMatch(
      /^2026-03-19T06:30:00Z {2}job-done {2}the-clockmakers {2}The Long Case {2}transcribe {2}local {2}event 1$/,
    );
    expect(server.listed[0]).toMatchObject({ newest: 100, filter: { types: [], feedId: '' } });
  });

  test('asks for what is meant, page by page, and prints the document of lists', async () => {
    const server = await served();
    const before = Date.now();
    const ran = await events(
      server,
      ...['--since', '2h', '--type', 'job_dead,job-done', '--feed', 'f', '--agent', 'a', '--json'],
    );
    expect(JSON.parse(ran.stdout)).toEqual({
      apiVersion: 'podctl/v1',
      items: three.map(({ eventId, message }) => ({
        ...{ eventId, at: '2026-03-19T06:30:00.000Z', type: 'job-done', message },
        ...{ feedId: 'the-clockmakers', episodeId: 'abcdefghijklmnopqrstuvwxyz' },
        ...{ title: 'The Long Case', stage: 'transcribe', agentId: 'local' },
      })),
      nextPageToken: '',
    });
    expect(server.listed.map(({ pageToken, newest }) => [pageToken, newest])).toEqual([
      ['', 0],
      ['2', 0],
    ]);
    const filter = server.listed[0]?.filter;
    expect(filter).toMatchObject({
      types: [Event_Type.JOB_DEAD, Event_Type.JOB_DONE],
      feedId: 'f',
      agentId: 'a',
    });
    const sinceMs = filter?.since?.getTime() ?? 0;
    expect(Math.abs(before - 7_200_000 - sinceMs)).toBeLessThan(10_000);
  });

  test('with --since and --limit gives the first ones, and where the next page begins', async () => {
    const server = await served();
    const page = async (...args: string[]) => JSON.parse((await events(server, ...args)).stdout);
    const first = await page('--since', '7d', '--limit', '2', '--json');
    expect([first.items.length, first.nextPageToken]).toEqual([2, '2']);
    const rest = await page('--since', '7d', '--page-token', '2', '-o', 'json');
    expect(rest.items.map(({ eventId }: { eventId: string }) => eventId)).toEqual(['3']);
    expect(server.listed.map(({ pageSize, newest }) => [pageSize, newest])).toEqual([
      [2, 0],
      [1_000, 0],
    ]);
  });

  test('takes every form of a list, sorted as it is asked', async () => {
    const server = await served();
    expect((await events(server, '-o', 'name', '--sort-by', '-eventId')).stdout).toBe('3\n2\n1\n');
    const csv = (await events(server, '-o', 'csv')).stdout.split('\n');
    expect([csv[0]?.startsWith('eventId,at,type,'), csv.length]).toEqual([true, 5]);
    expect((await events(server, '-f', '-o', 'csv')).code).toBe(2);
  });

  test('prints one object a line with jsonl, and refuses what has no end as one document', async () => {
    const server = await served();
    const lines = await events(server, '-o', 'jsonl', '--limit', '7');
    expect(
      lines.stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).eventId),
    ).toEqual(['1', '2', '3']);
    expect(server.listed[0]?.newest).toBe(7);
    expect((await events(server, '-f', '-o', 'json')).code).toBe(2);
    const wrong = await events(server, '--type', 'job-gone');
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('"job-gone"')]);
  });

  test('-f goes on where a stream broke off, tells each event once, and ends with Ctrl-C as 130', async () => {
    const [one, two, third] = three;
    if (one === undefined || two === undefined || third === undefined) throw new Error('three');
    const server = await served([
      [
        { events: [one], resumeToken: '1' },
        { events: [], resumeToken: '1' },
      ],
      [{ events: [two, third], resumeToken: '3' }],
    ]);
    const following = startPodctl(['events', '-f', '--server', server.address]);
    await following.shows('event 3');
    following.child.kill('SIGINT');
    const ran = await following.ended;
    expect(ran.code).toBe(130);
    expect(ran.stdout.trimEnd().split('\n')).toEqual(
      [1, 2, 3].map(
        (n) =>
          `2026-03-19T06:30:00Z job-done      the-clockmakers "The Long Case" transcribe [local] event ${n}`,
      ),
    );
    expect(server.followed.map(({ resumeToken, newest }) => [resumeToken, newest])).toEqual([
      ['', 10],
      ['1', 0],
    ]);
  });

  test('-f says at once that nobody is there', async () => {
    const ran = await runPodctl(['events', '-f', '--server', '127.0.0.1:1']);
    expect(ran.code).toBe(5);
  });
});
