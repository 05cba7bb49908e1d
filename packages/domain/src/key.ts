import { type HostName, hostFromKey, hostInKey } from './host-name.ts';
import { type AgentId, agentId, type EpisodeId, episodeId, type FeedId, feedId } from './ids.ts';

/**
 * Keys of the buckets and subjects of core messaging, in one place.
 * `state` is tailed by every coordinator; `meta` is read when asked; `lead` holds the leader's key, with its TTL; `access`
 * says who is let in: tailed too, and no part of a backup, which would let in again who was put out since.
 */
export const BUCKETS = {
  state: 'podctl_state',
  meta: 'podctl_meta',
  lead: 'podctl_lead',
  access: 'podctl_access',
} as const;

export const CLUSTER_KEY = 'cluster';
export const LEADER_KEY = 'leader';
export const jobKey = (feed: FeedId, episode: EpisodeId) => `job.${feed}.${episode}`;
export const metaKey = (feed: FeedId, episode: EpisodeId) => `meta.${feed}.${episode}`;
/** Of the bucket `meta`: a part of what a feed's ledger holds, counted from 0. */
export const ledgerKey = (feed: FeedId, part: number) => `ledger.${feed}.${part}`;
export const feedKey = (feed: FeedId) => `feed.${feed}`;
export const sessionKey = (agent: AgentId) => `sess.${agent}`;
export const cordonKey = (agent: AgentId) => `cordon.${agent}`;
export const hostKey = (host: HostName) => `host.${hostInKey(host)}`;
export const feedHostKey = (feed: FeedId) => `feedhost.${feed}`;

/** Of the bucket `access`. */
export const tokenKey = (id: string) => `token.${id}`;
export const credentialKey = (agent: AgentId) => `agent.${agent}`;
export const userKey = (name: string) => `user.${name}`;

export type StateKey =
  | { readonly kind: 'cluster' }
  | { readonly kind: 'job'; readonly feed: FeedId; readonly episode: EpisodeId }
  | { readonly kind: 'feed'; readonly feed: FeedId }
  | { readonly kind: 'session'; readonly agent: AgentId }
  | { readonly kind: 'cordon'; readonly agent: AgentId }
  | { readonly kind: 'host'; readonly host: HostName }
  | { readonly kind: 'feed_host'; readonly feed: FeedId }
  /** Written by a newer version, or by hand: passed over, counted. */
  | { readonly kind: 'unknown' };

export function parseStateKey(key: string): StateKey {
  const [head = '', first = '', second = '', ...rest] = key.split('.');
  if (rest.length > 0 || key.endsWith('.')) return { kind: 'unknown' };
  if (key === CLUSTER_KEY) return { kind: 'cluster' };
  if (head === 'job') return jobOf(first, second);
  return second === '' ? named(head, first) : { kind: 'unknown' };
}

function jobOf(first: string, second: string): StateKey {
  const feed = feedId(first);
  const episode = episodeId(second);
  if (!feed.ok || !episode.ok) return { kind: 'unknown' };
  return { kind: 'job', feed: feed.value, episode: episode.value };
}

/** A key of a head and one name. */
function named(head: string, name: string): StateKey {
  const feed = feedId(name);
  const agent = agentId(name);
  switch (head) {
    case 'feed':
      return feed.ok ? { kind: 'feed', feed: feed.value } : { kind: 'unknown' };
    case 'feedhost':
      return feed.ok ? { kind: 'feed_host', feed: feed.value } : { kind: 'unknown' };
    case 'sess':
      return agent.ok ? { kind: 'session', agent: agent.value } : { kind: 'unknown' };
    case 'cordon':
      return agent.ok ? { kind: 'cordon', agent: agent.value } : { kind: 'unknown' };
    case 'host': {
      const host = hostFromKey(name);
      return host.ok ? { kind: 'host', host: host.value } : { kind: 'unknown' };
    }
    default:
      return { kind: 'unknown' };
  }
}

/** Agents publish the first four, of their own id only; the leader answers hello and res. */
export const helloSubject = (agent: AgentId | '*') => `hello.${agent}`;
export const heartbeatSubject = (agent: AgentId | '*') => `hb.${agent}`;
export const resultSubject = (agent: AgentId | '*') => `res.${agent}`;
/** What an agent's log says, for every coordinator. */
export const logSubject = (agent: AgentId | '*') => `log.${agent}`;
/** The leader tells an agent something: a hint only. */
export const commandSubject = (agent: AgentId) => `cmd.${agent}`;
/** Coordinators pass on to the leader what people ask for. No agent has a right to it. */
export const ORDER_SUBJECT = 'order';
/** What happened, kept for a while as a stream of its own. Coordinators alone write it: no agent has a right to it. */
export const EVENT_STREAM = 'podctl_events';
export const EVENT_SUBJECTS = 'event.>';
/** Stands in a subject where no feed or agent is concerned; no id is like it. */
const NOBODY = '_';
/** Null: none is concerned. */
export const eventSubject = (type: string, feed: FeedId | null, agent: AgentId | null) =>
  `event.${type}.${feed ?? NOBODY}.${agent ?? NOBODY}`;
/** Null: whichever. */
export const eventPattern = (type: string | null, feed: FeedId | null, agent: AgentId | null) =>
  `event.${type ?? '*'}.${feed ?? '*'}.${agent ?? '*'}`;
/** A new leader asks every agent to heartbeat at once. */
export const ROLL_CALL_SUBJECT = 'roll-call';

/** Agents have the replies to their requests sent below it, so that they need not hear anybody else's. */
export const AGENT_INBOXES = '_INBOX.agent';

/** The agent's id in a subject of its own; null when the subject is not of that form. */
export function agentOfSubject(subject: string): AgentId | null {
  const parts = subject.split('.');
  const id = agentId(parts[1] ?? '');
  return parts.length === 2 && id.ok ? id.value : null;
}

const INBOXES = '_INBOX';
const AGENTS_OWN = ['hello.', 'hb.', 'res.', 'log.'];

/**
 * Whether a request may be answered where it says. The server does not check what a sender gives as the subject for the
 * answer, and whoever answers publishes with rights of its own: an agent that gave `$JS.API.STREAM.PURGE.…` there would have
 * the coordinator wipe a bucket for it.
 */
export function mayAnswer(subject: string, reply: string): boolean {
  const agent = agentOfSubject(subject);
  if (AGENTS_OWN.some((head) => subject.startsWith(head)))
    return agent !== null && reply.startsWith(`${AGENT_INBOXES}.${agent}.`);
  return reply.startsWith(`${INBOXES}.`);
}
