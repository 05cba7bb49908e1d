import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { FRESH_LOCK, type HeldLock, type Lock, newEpisode } from '@podctl/domain/episode-state.ts';
import {
  type AgentId,
  type FeedId,
  nonceFrom,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import { describe, expect, test } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import {
  allowedMethods,
  type JobByteRoute,
  judgeShown,
  judgeTicket,
  parseByteRoute,
  ticketOf,
} from './byte-access.ts';
import { emptySnapshot, foldEpisode, type Snapshot } from './snapshot.ts';

const feed = 'alpha' as FeedId;
const episode = episodeOf(feed, 1);
const job = `/v1/jobs/${feed}.${episode}`;
const TOKEN = 40 as Token;
const ticket = nonceFrom(new Uint8Array(10).fill(1));
const other = nonceFrom(new Uint8Array(10).fill(2));
const isSame = (a: string, b: string) => a === b;

describe('a target', () => {
  const of = { feed, episode, token: 40 };
  test.each([
    ['GET', '/v1/library', { kind: 'library' }],
    ['GET', '/v1/ca', { kind: 'ca' }],
    ['POST', '/v1/enrol', { kind: 'enrol' }],
    ['POST', '/v1/renew', { kind: 'renew' }],
    ['GET', `${job}.transcribe/40/input`, { kind: 'input', stage: 'transcribe', ...of }],
    [
      'GET',
      `${job}.transcribe/40/input/publisher.vtt`,
      { kind: 'input', name: 'publisher.vtt', stage: 'transcribe', ...of },
    ],
    ['HEAD', `${job}.transcribe/40/input`, { kind: 'input', stage: 'transcribe', ...of }],
    [
      'GET',
      `${job}.transcribe/40/checkpoint/${'0a'.repeat(8)}`,
      { kind: 'checkpoint', key: '0a'.repeat(8), stage: 'transcribe', ...of },
    ],
    [
      'PATCH',
      `${job}.download/40/files/audio.mp3`,
      { kind: 'file', name: 'audio.mp3', stage: 'download', ...of },
    ],
    [
      'HEAD',
      `${job}.download/40/files/manifest.json`,
      { kind: 'file', name: 'manifest.json', stage: 'download', ...of },
    ],
  ])('%s %s is a route', (method, target, route) => {
    expect(parseByteRoute(method, target)).toEqual({ ok: true, value: route });
  });

  test.each([
    ['GET', '/'],
    ['GET', '/v1/library/'],
    ['GET', `${job}.transcribe/40/input/audio.mp3`],
    ['GET', `${job}.transcribe/40/input/manifest.json`],
    ['GET', `${job}.download/40/input/publisher.vtt`],
    ['GET', '/v1/library?x'],
    ['GET', '/v1/ca/'],
    ['POST', '/v1/enrol/x'],
    ['POST', '/v1//renew'],
    ['GET', `http://host${job}.transcribe/40/input`],
    ['GET', `${job}.transcribe/40/input?x=1`],
    ['GET', `/${job}.transcribe/40/input`],
    ['GET', `/v2/jobs/${feed}.${episode}.transcribe/40/input`],
    ['GET', `${job}.transcribe/040/input`],
    ['GET', `${job}.transcribe/4e1/input`],
    ['GET', `${job}.transcribe/0/input`],
    ['GET', `${job}.transcribe/-1/input`],
    ['GET', `${job}.transcribe/9007199254740993/input`],
    ['GET', `${job}.publish/40/input`],
    ['GET', `${job}.transcribe.x/40/input`],
    ['GET', `${job}.transcribe/40/checkpoint`],
    ['GET', `${job}.transcribe/40/checkpoint/${'0a'.repeat(7)}..`],
    ['GET', `${job}.transcribe/40/checkpoint/${'0A'.repeat(8)}`],
    ['GET', `${job}.transcribe/40/checkpoint/${'0a'.repeat(8)}/x`],
    // A download has no input.
    ['GET', `${job}.download/40/input`],
    ['HEAD', `${job}.download/40/files/`],
    ['HEAD', `${job}.download/40/files/..`],
    ['HEAD', `${job}.download/40/files/.part-of-audio.mp3`],
    ['HEAD', `${job}.download/40/files/..%2faudio.mp3`],
    ['HEAD', `${job}.download/40/files/a/b`],
    ['HEAD', `${job}.download/40/files/Audio.mp3`],
    ['HEAD', `${job}.download/40/files/${'a'.repeat(65)}`],
    ['HEAD', `${job}.download/40/../41/files/audio.mp3`],
  ])('%s %s is none', (method, target) => {
    const error = { status: 404, reason: 'no_such_route' };
    expect(parseByteRoute(method, target)).toEqual({ ok: false, error });
  });

  test.each([
    ['POST', '/v1/library', 'GET, HEAD'],
    ['POST', '/v1/ca', 'GET'],
    ['GET', '/v1/enrol', 'POST'],
    ['GET', '/v1/renew', 'POST'],
    ['PATCH', `${job}.transcribe/40/input`, 'GET, HEAD'],
    ['GET', `${job}.download/40/files/audio.mp3`, 'HEAD, PATCH, POST'],
    ['PUT', `${job}.download/40/files/audio.mp3`, 'HEAD, PATCH, POST'],
    ['DELETE', `${job}.download/40/files/audio.mp3`, 'HEAD, PATCH, POST'],
  ])('%s %s is not allowed', (method, target, allowed) => {
    const error = { status: 405, reason: 'method' };
    expect(parseByteRoute(method, target)).toEqual({ ok: false, error });
    expect(allowedMethods(target)).toBe(allowed);
  });
});

test('a ticket is 16 characters behind Bearer, and nothing else is', () => {
  expect(ticketOf(`Bearer ${ticket}`)).toBe(ticket);
  for (const wrong of [undefined, '', ticket, `Basic ${ticket}`, `Bearer ${ticket}a`, 'Bearer '])
    expect(ticketOf(wrong)).toBeNull();
});

test('who shows no certificate is not known, and who shows one that is not good now is refused, each by its reason', () => {
  const key = '1'.repeat(64);
  const record = {
    ...{ agent: 'far' as AgentId, natsKey: 'U', tlsKeySha256: key, tokenId: 't' },
    ...{ issuedMs: 0, expiresMs: 100, revokedMs: null, formerKeys: [] },
  };
  const shown = { kind: 'agent', agent: record.agent, keySha256: key } as const;
  expect(judgeShown(shown, record, 99)).toBeNull();
  const refused = [
    judgeShown({ kind: 'nothing' }, null, 0),
    judgeShown({ kind: 'untrusted' }, null, 0),
    judgeShown(shown, null, 0),
    judgeShown(shown, { ...record, revokedMs: 5 }, 9),
    judgeShown({ ...shown, keySha256: '2'.repeat(64) }, record, 0),
    judgeShown(shown, record, 100),
  ].map((refusal) => [refusal?.status, refusal?.reason]);
  expect(refused).toEqual([
    [401, 'no_certificate'],
    [403, 'bad_certificate'],
    [403, 'unknown_agent'],
    [403, 'revoked'],
    [403, 'other_key'],
    [403, 'expired'],
  ]);
});

describe('a ticket', () => {
  const held: HeldLock = {
    ...{ state: 'held', failures: 0, lostBy: [], run: 1, token: TOKEN },
    ...{ agent: 'far' as AgentId, session: 7 as SessionId, epoch: 3 as HeldLock['epoch'] },
    ...{ nonce: ticket, sinceMs: 1 },
  };
  const manifest = { sha256: 'a'.repeat(64), files: 1, bytes: 1, audioSeconds: null };
  const route: JobByteRoute = {
    kind: 'file',
    name: 'a',
    feed,
    episode,
    stage: 'download',
    token: TOKEN,
  };
  const judge = (snapshot: Snapshot, shown: typeof ticket | null = ticket) =>
    judgeTicket(snapshot, route, shown, isSame);
  const status = (...of: Parameters<typeof judge>) => judge(...of)?.status ?? 200;

  test('opens the job whose lock it is of, while the lock is held', () => {
    expect(judge(stateOf(held, 41))).toBeNull();
    expect(status(stateOf(held, 41), other)).toBe(403);
    expect(status(stateOf(held, 41), null)).toBe(401);
  });

  test('is dead once the lock is free, committed, dead, or held by another token', () => {
    expect(status(stateOf(FRESH_LOCK, 42))).toBe(410);
    expect(status(stateOf({ ...held, state: 'committed', manifest }, 42))).toBe(410);
    const dead = { state: 'dead', failures: 9, lostBy: [], run: 1, reason: 'no' } as const;
    expect(status(stateOf(dead, 42))).toBe(410);
    expect(status(stateOf({ ...held, token: 41 as Token }, 42))).toBe(410);
  });

  test('is not judged by a snapshot that has not seen the assignment, whatever else it has seen', () => {
    const behind = stateOf(FRESH_LOCK, TOKEN);
    behind.revision = 1_000;
    expect(judge(behind)).toEqual({ status: 503, reason: 'not_known_yet', retryAfterSeconds: 1 });
    expect(status(emptySnapshot())).toBe(503);
    const nameless = stateOf(held, 41);
    nameless.cluster = null;
    expect(status(nameless)).toBe(503);
  });

  test('opens nothing to another agent than the one that holds the lock', () => {
    const shown = (agent: string | null) =>
      judgeTicket(stateOf(held, 41), route, ticket, isSame, agent as AgentId | null);
    expect([shown('far'), shown(null)]).toEqual([null, null]);
    expect(shown('near')).toEqual({ status: 403, reason: 'wrong_agent' });
  });

  test('of one stage does not open the other', () => {
    const transcribe = { ...route, stage: 'transcribe' } as const;
    expect(judgeTicket(stateOf(held, 41), transcribe, ticket, isSame)?.status).toBe(410);
  });
});

function stateOf(lock: Lock, revision: number): Snapshot {
  const snapshot = emptySnapshot();
  snapshot.cluster = CLUSTER;
  const fresh = newEpisode(CLUSTER, NONCE, 'r1');
  const stages = { ...fresh.stages, download: { ...fresh.stages.download, lock } };
  foldEpisode(snapshot, feed, episode, revision, encodeEpisode({ ...fresh, stages }));
  return snapshot;
}
