import {
  type CredentialRecord,
  type CredentialRefusal,
  judgeCredential,
} from '@podctl/domain/access.ts';
import { isCheckpointKey } from '@podctl/domain/checkpoint-name.ts';
import {
  type AgentId,
  type EpisodeId,
  episodeId,
  type FeedId,
  feedId,
  isToken,
  type Nonce,
  nonce,
  type Token,
} from '@podctl/domain/ids.ts';
import { isFileName } from '@podctl/domain/manifest.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { isStage, STAGE_INPUT, type Stage } from '@podctl/domain/stage.ts';
import { publisherFormOf } from '@podctl/domain/transcript/publisher-form.ts';
import { episodeRow, type Snapshot } from './snapshot.ts';

/**
 * Who may ask what of a coordinator's byte listener, and who may move which bytes through it. Where the fleet has keys,
 * whoever asks shows an agent's certificate, but for the two routes by which one is had. The ticket is the nonce of the lock: random, known only to who reads the
 * state and to the agent that was told, and dead with the lock. Whoever holds the lock of a job may read that job's input
 * and the checkpoints of its run, and write that token's staging folder, and nothing else. Paths come from the state and from checked ids.
 */
export type ByteRoute =
  /** The fleet's CA, and a credential for a join token: open to everybody; there are none without the fleet's keys. */
  | { readonly kind: 'ca' }
  | { readonly kind: 'enrol' }
  /** A newer credential for a good one. */
  | { readonly kind: 'renew' }
  /** The agent puts itself out: its machine is given to something else. */
  | { readonly kind: 'leave' }
  /** Whether this coordinator reaches the library at all: it tells the library's id and no more. */
  | { readonly kind: 'library' }
  /** `name`: a publisher's transcript beside the audio; absent: the audio. */
  | ({ readonly kind: 'input'; readonly name?: string } & JobRoute)
  /** The farthest checkpoint of the run that the lock is for, whichever attempt left it. */
  | ({ readonly kind: 'checkpoint'; readonly key: string } & JobRoute)
  | ({ readonly kind: 'file'; readonly name: string } & JobRoute);

interface JobRoute {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly token: Token;
}

export type JobByteRoute = Extract<ByteRoute, JobRoute>;

/** Why not, as the metrics count it, and the answer. */
export interface ByteRefusal {
  readonly status: number;
  readonly reason: RefusalReason;
  readonly retryAfterSeconds?: number;
}

export type RefusalReason =
  | 'no_such_route'
  | 'method'
  | 'no_certificate'
  | 'bad_certificate'
  | 'unknown_agent'
  | 'revoked'
  | 'expired'
  | 'other_key'
  | 'wrong_agent'
  | 'bad_body'
  | 'join_denied'
  | 'name_taken'
  | 'too_often'
  | 'away'
  | 'no_ticket'
  | 'wrong_ticket'
  | 'not_held'
  | 'not_known_yet'
  | 'bad_header'
  | 'no_input'
  | 'finished'
  | 'wrong_offset'
  | 'wrong_digest'
  | 'too_large'
  | 'too_many_files'
  | 'too_many_transfers'
  | 'too_many_connections'
  | 'superseded'
  | 'too_slow'
  | 'no_space'
  | 'library_offline'
  | 'stopping'
  | 'internal';

const ALLOWED: { readonly [K in ByteRoute['kind']]: readonly string[] } = {
  ca: ['GET'],
  enrol: ['POST'],
  renew: ['POST'],
  leave: ['POST'],
  library: ['GET', 'HEAD'],
  input: ['GET', 'HEAD'],
  checkpoint: ['GET'],
  /** POST: where to send it, of a library that agents reach themselves. */
  file: ['HEAD', 'PATCH', 'POST'],
};

/** Only the plain form of a path is one: nothing is decoded, nothing is normalised. */
export function parseByteRoute(method: string, target: string): Result<ByteRoute, ByteRefusal> {
  const route = routeOf(target.split('/'));
  if (route === null) return err({ status: 404, reason: 'no_such_route' });
  if (!ALLOWED[route.kind].includes(method)) return err({ status: 405, reason: 'method' });
  return ok(route);
}

export function allowedMethods(target: string): string {
  const route = routeOf(target.split('/'));
  return route === null ? '' : ALLOWED[route.kind].join(', ');
}

function routeOf([root, version, top, ...rest]: readonly string[]): ByteRoute | null {
  if (root !== '' || version !== 'v1') return null;
  switch (top) {
    case 'ca':
    case 'enrol':
    case 'renew':
    case 'leave':
    case 'library':
      return rest.length === 0 ? { kind: top } : null;
    case 'jobs':
      return jobRouteOf(rest);
    default:
      return null;
  }
}

function jobRouteOf([job = '', token = '', kind, ...rest]: readonly string[]): ByteRoute | null {
  const of = jobOf(job, token);
  if (of === null) return null;
  const [name = ''] = rest;
  if (kind === 'files' && rest.length === 1 && isFileName(name))
    return { kind: 'file', name, ...of };
  if (kind === 'checkpoint' && rest.length === 1 && isCheckpointKey(name))
    return { kind, key: name, ...of };
  const input = STAGE_INPUT[of.stage];
  if (kind === 'input' && rest.length === 1 && input === 'download')
    return publisherFormOf(name) === null ? null : { kind, name, ...of };
  const hasInput = input !== null;
  return kind === 'input' && rest.length === 0 && hasInput ? { kind, ...of } : null;
}

function jobOf(job: string, tokenText: string): JobRoute | null {
  const [feedText = '', episodeText = '', stage = '', ...more] = job.split('.');
  const feed = feedId(feedText);
  const episode = episodeId(episodeText);
  const token = Number(tokenText);
  if (!feed.ok || !episode.ok || !isStage(stage) || more.length > 0) return null;
  if (!isToken(token) || String(token) !== tokenText) return null;
  return { feed: feed.value, episode: episode.value, stage, token };
}

/** What a connection showed of who is at its other end. */
export type Shown =
  | { readonly kind: 'nothing' }
  /** A certificate that is not of an agent, not of this fleet, or not of this time. */
  | { readonly kind: 'untrusted' }
  | { readonly kind: 'agent'; readonly agent: AgentId; readonly keySha256: string };

/** Whether it is an agent that is let in; null: it is. @param record of that agent. */
export function judgeShown(
  shown: Shown,
  record: CredentialRecord | null,
  nowMs: number,
): ByteRefusal | null {
  switch (shown.kind) {
    case 'nothing':
      return { status: 401, reason: 'no_certificate' };
    case 'untrusted':
      return { status: 403, reason: 'bad_certificate' };
    case 'agent': {
      const refusal = judgeCredential(record, shown.keySha256, nowMs);
      return refusal === null ? null : { status: 403, reason: CREDENTIAL_REASONS[refusal] };
    }
  }
}

const CREDENTIAL_REASONS: { readonly [K in CredentialRefusal]: RefusalReason } = {
  unknown: 'unknown_agent',
  revoked: 'revoked',
  other_key: 'other_key',
  expired: 'expired',
};

/** The ticket of `Authorization: Bearer <ticket>`; null for anything else. */
export function ticketOf(authorization: string | undefined): Nonce | null {
  const [, text = ''] = /^Bearer ([a-z2-7]{16})$/i.exec(authorization ?? '') ?? [];
  const ticket = nonce(text);
  return ticket.ok ? ticket.value : null;
}

/**
 * By this coordinator's own snapshot, which may lag. Of an episode whose newest known value is not above the token the
 * assignment has not been seen here, so nothing can be said of it yet; above it, the assignment or something later was.
 *
 * @param isSame compares two tickets in constant time.
 * @param agent who asks, by its certificate; null where nobody is asked who they are.
 */
export function judgeTicket(
  snapshot: Snapshot,
  route: JobByteRoute,
  ticket: Nonce | null,
  isSame: (a: string, b: string) => boolean,
  agent: AgentId | null = null,
): ByteRefusal | null {
  if (ticket === null) return { status: 401, reason: 'no_ticket' };
  const row = episodeRow(snapshot, route.feed, route.episode);
  if (snapshot.cluster === null || row === null || row.revision <= route.token)
    return { status: 503, reason: 'not_known_yet', retryAfterSeconds: 1 };
  const { lock } = row.state.stages[route.stage];
  if (lock.state !== 'held' || lock.token !== route.token)
    return { status: 410, reason: 'not_held' };
  if (!isSame(lock.nonce, ticket)) return { status: 403, reason: 'wrong_ticket' };
  const isHolder = agent === null || lock.agent === agent;
  return isHolder ? null : { status: 403, reason: 'wrong_agent' };
}
