import { type AgentId, agentId, type FeedId, feedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import {
  type EventFilter,
  type EventServiceServer,
  EventServiceService,
  type FollowEventsRequest,
  type FollowEventsResponse,
  type ListEventsRequest,
  type ListEventsResponse,
} from '@podctl/proto/podctl/v1/event.ts';
import { EventArchive, type EventPage, type EventQuery } from '../shell/event-archive.ts';
import { followEvents } from './event-follow.ts';
import { archivedEventMessage, eventTypeOf } from './event-map.ts';
import type { Handlers, Send } from './handler.ts';
import type { Failure } from './status.ts';

export const eventServiceDefinition = EventServiceService;

const FOLLOWERS_MAX = 100;
const SIZE_MAX = 1_000;

const NOT_KEPT: Failure = {
  kind: 'precondition',
  message: 'this coordinator was started without a stream of events',
};

export function eventService(
  stream: EventStream | null,
  handlers: Handlers,
  clock: Clock,
): EventServiceServer {
  const archive = stream === null ? null : new EventArchive(stream);
  let followers = 0;
  return {
    listEvents: handlers.unary('ListEvents', async (request, signal) =>
      archive === null ? err(NOT_KEPT) : await listEvents(archive, request, signal),
    ),
    followEvents: handlers.streaming('FollowEvents', async (request, send, signal) => {
      if (archive === null) return NOT_KEPT;
      if (followers >= FOLLOWERS_MAX) return TOO_MANY;
      followers += 1;
      try {
        return await follow(archive, request, clock, send, signal);
      } finally {
        followers -= 1;
      }
    }),
  };
}

const TOO_MANY: Failure = {
  kind: 'exhausted',
  message: `${FOLLOWERS_MAX} follow the events of this coordinator already`,
  hint: 'end some of them, or ask another coordinator',
};

async function listEvents(
  archive: EventArchive,
  { filter, pageSize, pageToken, newest }: ListEventsRequest,
  signal: AbortSignal,
): Promise<Result<ListEventsResponse, Failure>> {
  const query = queryOf(filter);
  if (!query.ok) return query;
  const after = sequenceOf('page_token', pageToken);
  if (!after.ok) return after;
  if (pageSize > SIZE_MAX) return err(tooLarge('page_size', pageSize));
  if (newest > SIZE_MAX) return err(tooLarge('newest', newest));
  if (newest > 0 && pageToken !== '')
    return err({
      kind: 'invalid',
      field: 'newest',
      message: 'newest and page_token are both set',
      hint: 'give one',
    });
  if (newest > 0) {
    const { events } = await archive.newest(query.value, newest, signal);
    return ok({ events: events.map(archivedEventMessage), nextPageToken: '' });
  }
  const size = pageSize === 0 ? SIZE_MAX : pageSize;
  const page = await archive.page(query.value, after.value ?? 0, size, signal);
  const nextPageToken = page.isEnd ? '' : String(page.sequence);
  return ok({ events: page.events.map(archivedEventMessage), nextPageToken });
}

async function follow(
  archive: EventArchive,
  { filter, resumeToken, newest }: FollowEventsRequest,
  clock: Clock,
  send: Send<FollowEventsResponse>,
  signal: AbortSignal,
): Promise<Failure> {
  const query = queryOf(filter);
  if (!query.ok) return query.error;
  const token = sequenceOf('resume_token', resumeToken);
  if (!token.ok) return token.error;
  if (newest > SIZE_MAX) return tooLarge('newest', newest);
  const from = await beginning(archive, query.value, token.value, newest, signal);
  if (!from.ok) return from.error;
  const take = (events: EventPage['events'], sequence: number) =>
    send({ events: events.map(archivedEventMessage), resumeToken: String(sequence) }, signal);
  // Sent also when it is empty: whoever loses the stream before the first event knows where to go on.
  await take(from.value.events, from.value.sequence);
  return await followEvents(archive, query.value, from.value.sequence, clock, take, signal);
}

async function beginning(
  archive: EventArchive,
  query: EventQuery,
  token: number | null,
  newest: number,
  signal: AbortSignal,
): Promise<Result<Pick<EventPage, 'events' | 'sequence'>, Failure>> {
  if (token === null && newest > 0) return ok(await archive.newest(query, newest, signal));
  if (token === null && query.sinceMs !== null) return ok({ events: [], sequence: 0 });
  const last = await archive.last(signal);
  if (token !== null && token > last)
    return err({
      kind: 'invalid',
      field: 'resume_token',
      message: 'resume_token is ahead of all events, so the fleet has begun anew since',
      hint: 'begin without one',
    });
  return ok({ events: [], sequence: token ?? last });
}

function queryOf(filter: EventFilter | undefined): Result<EventQuery, Failure> {
  const { types = [], feedId: feedText = '', agentId: agentText = '', since } = filter ?? {};
  const words: string[] = [];
  for (const type of types) {
    const word = eventTypeOf(type);
    if (word === null)
      return err({
        kind: 'invalid',
        field: 'filter.types',
        message: `types has ${type}, which is no type of event`,
      });
    words.push(word);
  }
  const feed = idOf<FeedId>('filter.feed_id', feedId, feedText);
  if (!feed.ok) return feed;
  const agent = idOf<AgentId>('filter.agent_id', agentId, agentText);
  if (!agent.ok) return agent;
  const sinceMs = since?.getTime() ?? null;
  return ok({ types: words, feed: feed.value, agent: agent.value, sinceMs });
}

function idOf<T>(
  field: string,
  parse: (text: string) => Result<T, string>,
  text: string,
): Result<T | null, Failure> {
  if (text === '') return ok(null);
  const parsed = parse(text);
  return parsed.ok ? parsed : err({ kind: 'invalid', field, message: parsed.error });
}

/** Null: none was given. */
function sequenceOf(field: string, token: string): Result<number | null, Failure> {
  if (token === '') return ok(null);
  if (/^\d{1,15}$/.test(token)) return ok(Number(token));
  return err({
    kind: 'invalid',
    reason: 'PAGE_TOKEN_UNKNOWN',
    field,
    message: `${field} is none that a coordinator gave`,
    hint: 'begin again without one',
  });
}

function tooLarge(field: string, value: number): Failure {
  return {
    kind: 'invalid',
    field,
    message: `${field} is ${value}`,
    hint: `give ${SIZE_MAX} at most`,
  };
}
