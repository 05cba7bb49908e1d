import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Metadata, status } from '@grpc/grpc-js';
import type { FeedId } from '@podctl/domain/ids.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { BadRequest, ErrorInfo, RetryInfo } from '@podctl/proto/google/rpc/error_details.ts';
import { Status } from '@podctl/proto/google/rpc/status.ts';
import type { AddFeedsResponse } from '@podctl/proto/podctl/v1/feed.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { apiBundle, ask, cleanUp, failure, until } from '../../../../test/support/api-bundle.ts';
import { REQUEST_KEY } from './repeated-requests.ts';
import { statusOf } from './status.ts';

afterEach(cleanUp);

const alpha = 'the-clockmakers' as FeedId;
const buf = join(
  dirname(createRequire(import.meta.url).resolve('@bufbuild/buf/package.json')),
  'bin/buf',
);

function detailsOf(metadata: Metadata) {
  const [trailer] = metadata.get('grpc-status-details-bin');
  if (!(trailer instanceof Uint8Array)) throw new Error('no details came');
  const whole = Status.decode(trailer);
  const of = (type: string) =>
    whole.details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`)
      ?.value;
  return { whole, of };
}

describe('an error', () => {
  test('tells programs a reason and people what to do next, in the form that every client knows', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const page = { pageSize: 0, pageToken: '' };
    const list = api.episodes.listEpisodes.bind(api.episodes);
    const error = await failure(ask(list, { feedId: 'the-clokmakers', ...page }));
    expect(error.code).toBe(status.NOT_FOUND);
    const { whole, of } = detailsOf(error.metadata);
    expect(whole).toMatchObject({ code: status.NOT_FOUND, message: error.details });
    const info = ErrorInfo.decode(of('ErrorInfo') ?? new Uint8Array());
    expect(info).toEqual({
      reason: 'FEED_NOT_FOUND',
      domain: 'podctl',
      metadata: { hint: 'did you mean "the-clockmakers"?' },
    });
    expect(error.details).toBe(`no feed has the id "the-clokmakers": ${info.metadata.hint}`);
    expect(of('BadRequest')).toBeUndefined();
  });

  test('names the field that is wrong', async () => {
    const api = await apiBundle();
    const page = { pageSize: 5_000, pageToken: '' };
    const error = await failure(ask(api.feeds.listFeeds.bind(api.feeds), page));
    const { of } = detailsOf(error.metadata);
    expect(BadRequest.decode(of('BadRequest') ?? new Uint8Array()).fieldViolations).toEqual([
      { field: 'page_size', description: 'page_size is 5000' },
    ]);
  });
});

describe('a request that may come again', () => {
  const feeds = [
    { url: 'https://pods.example/a.xml', title: '', bookScore: undefined, feedId: '' },
  ];

  async function adding() {
    const api = await apiBundle();
    const add = (key: string, url = feeds[0]?.url ?? '') => {
      const metadata = new Metadata();
      metadata.set(REQUEST_KEY, key);
      return new Promise<AddFeedsResponse>((resolve, reject) => {
        const request = { feeds: feeds.map((feed) => ({ ...feed, url })) };
        api.feeds.addFeeds(request, metadata, (error, answer) =>
          error === null ? resolve(answer) : reject(error),
        );
      });
    };
    return { ...api, add };
  }

  test('is done once, and answered the same each time', async () => {
    const api = await adding();
    const [first, second] = await Promise.all([api.add('k1'), api.add('k1')]);
    expect(await api.add('k1')).toEqual(first);
    expect(second).toEqual(first);
    expect(api.fleet.asked).toHaveLength(1);
    await api.add('k2');
    expect(api.fleet.asked).toHaveLength(2);
  });

  test('is done again after it failed', async () => {
    const api = await adding();
    api.fleet.addFailure = new Error('it breaks');
    expect((await failure(api.add('k1'))).code).toBe(status.INTERNAL);
    api.fleet.addFailure = null;
    expect((await api.add('k1')).feeds).toHaveLength(1);
  });

  test('is refused when its key came with another one, or is no key', async () => {
    const api = await adding();
    await api.add('k1');
    const error = await failure(api.add('k1', 'https://pods.example/b.xml'));
    expect(error.code).toBe(status.INVALID_ARGUMENT);
    expect(error.details).toContain('idempotency-key came before with another request');
    expect((await failure(api.add('no key'))).code).toBe(status.INVALID_ARGUMENT);
    expect(api.fleet.asked).toHaveLength(1);
  });

  test('sees what is there now when it changes nothing', async () => {
    const api = await adding();
    const metadata = new Metadata();
    metadata.set(REQUEST_KEY, 'k1');
    const list = () =>
      new Promise<number>((resolve, reject) =>
        api.feeds.listFeeds({ pageSize: 0, pageToken: '' }, metadata, (error, answer) =>
          error === null ? resolve(answer.feeds.length) : reject(error),
        ),
      );
    expect(await list()).toBe(0);
    api.fleet.feed(alpha);
    expect(await list()).toBe(1);
  });
});

test('a unary call without a deadline ends after ten minutes', async () => {
  const clock = new ManualClock();
  const api = await apiBundle(clock);
  api.fleet.addGate = new Promise(() => {});
  const feeds = [
    { url: 'https://pods.example/a.xml', title: '', bookScore: undefined, feedId: '' },
  ];
  const error = failure(ask(api.feeds.addFeeds.bind(api.feeds), { feeds }));
  await until(() => clock.sleeping() === 1);
  await clock.advance(10 * 60_000);
  expect((await error).code).toBe(status.DEADLINE_EXCEEDED);
});

describe('a tool that knows nothing of the API', () => {
  /** What buf curl prints, asking the server itself what can be asked. */
  function curl(url: string, ...args: string[]): Promise<string> {
    const words = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...args, url];
    const child = spawn(process.execPath, [buf, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    const output: string[] = [];
    child.stdout.on('data', (data) => output.push(String(data)));
    child.stderr.on('data', (data) => output.push(String(data)));
    return new Promise((resolve) => child.once('close', () => resolve(output.join(''))));
  }

  test.each(['grpc-v1', 'grpc-v1alpha'])('learns it from the server, by %s', async (protocol) => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const base = `http://${api.address}`;
    const reflect = ['--reflect-protocol', protocol];
    const methods = (await curl(base, ...reflect, '--list-methods')).trim().split('\n');
    expect(methods).toContain('podctl.v1.FleetService/Watch');
    expect(methods).toContain('grpc.health.v1.Health/Check');
    const answer = await curl(`${base}/podctl.v1.FeedService/ListFeeds`, ...reflect);
    expect(JSON.parse(answer)).toMatchObject({ feeds: [{ feedId: 'the-clockmakers' }] });
    const refused = await curl(
      `${base}/podctl.v1.EpisodeService/GetEpisode`,
      ...reflect,
      '-d',
      '{"episode_id":"zz"}',
    );
    expect(JSON.parse(refused)).toMatchObject({
      code: 'invalid_argument',
      details: [{ type: 'google.rpc.ErrorInfo' }, { type: 'google.rpc.BadRequest' }],
    });
    expect(api.bugs).toEqual([]);
  });
});

test('RetryInfo says when to ask again', () => {
  const { metadata } = statusOf({ kind: 'exhausted', message: 'too often', retryAfterMs: 1_500 });
  const { of } = detailsOf(metadata);
  expect(RetryInfo.decode(of('RetryInfo') ?? new Uint8Array()).retryDelay).toEqual({
    seconds: 1n,
    nanos: 500_000_000,
  });
});
