import { status } from '@grpc/grpc-js';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { HostName } from '@podctl/domain/host-name.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { CLUSTER, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { held } from '../../../../test/support/stage-change.ts';
import { foldFeedHost, foldHost } from '../core/host-fold.ts';
import { hostViews } from '../core/host-view.ts';

const [alpha, beta, gamma] = ['alpha', 'beta', 'gamma'] as [FeedId, FeedId, FeedId];
const [busy, six] = ['cdn.example.org', '[2001:db8::1]'] as HostName[] as [HostName, HostName];
const rules = {
  ...{ parallelMax: 4, limits: { [busy]: 2 }, startsPerSecond: 10 },
  ...{ coolDownFirstMs: 1, coolDownMaxMs: 1 },
};

let api: ApiBundle;
beforeEach(async () => {
  api = await apiBundle();
});
afterEach(cleanUp);

const of = { cluster: CLUSTER, nonce: NONCE };
let revision = 1_000;
function comesFrom(feed: FeedId, host: HostName): void {
  revision += 1;
  api.fleet.feed(feed);
  foldFeedHost(api.fleet.snapshot, { ...of, feed, host, learned: true }, revision);
}
function asksForPatience(host: HostName, coolingUntilMs: number): void {
  revision += 1;
  const state = { strikes: 2, limit: 1, coolingUntilMs, sinceMs: 1_000, why: 'It is busy.' };
  foldHost(api.fleet.snapshot, { ...of, host, ...state }, revision);
}
const list = (request: object = {}) =>
  ask(api.hosts.listHosts.bind(api.hosts), { ...all, ...request });

test('hosts come page by page with what runs and waits there, and what is paused waits for nobody', async () => {
  comesFrom(alpha, busy);
  comesFrom(beta, busy);
  comesFrom(gamma, six);
  for (const n of [0, 1]) api.fleet.episode(alpha, n);
  api.fleet.episode(alpha, 2, held('download', { agent: 'a1' as AgentId, session: 3 }));
  api.fleet.episode(beta, 0);
  api.fleet.feed(beta, { choices: { ...NO_CHOICES, paused: true } });
  const first = await list({ pageSize: 1 });
  expect(first.hosts).toMatchObject([{ host: six, feeds: 1, limit: undefined, running: 0 }]);
  const second = await list({ pageSize: 1, pageToken: first.nextPageToken });
  expect(second.hosts).toMatchObject([{ host: busy, feeds: 2, running: 1, waiting: 2, why: '' }]);
  expect(second.nextPageToken).toBe('');
  expect(await failure(list({ pageToken: 'x' }))).toMatchObject({ code: status.INVALID_ARGUMENT });
});

test('a host that asked for patience is shown as long as it is not asked as before', async () => {
  const { wallMs } = api.fleet.picture().now;
  asksForPatience(busy, wallMs + 60_000);
  asksForPatience(six, wallMs - 1);
  const { hosts } = await list();
  expect(hosts).toMatchObject([
    { host: six, limit: 1, coolingUntil: undefined, strikes: 2, why: 'It is busy.', feeds: 0 },
    { host: busy, limit: 0, coolingUntil: new Date(wallMs + 60_000) },
  ]);
  // A day later it is not held against them.
  asksForPatience('old.example.org' as HostName, wallMs - 86_400_001);
  expect((await list()).hosts).toHaveLength(2);
  const views = hostViews({ ...api.fleet.picture(), hosts: rules });
  expect(views.map(({ limit, limitMax }) => [limit, limitMax])).toEqual([
    [1, 4],
    [0, 2],
  ]);
});
