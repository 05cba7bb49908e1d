import { status } from '@grpc/grpc-js';
import type { FeedId } from '@podctl/domain/ids.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import type {
  EventFilter,
  FollowEventsRequest,
  ListEventsRequest,
} from '@podctl/proto/podctl/v1/event.ts';
import { Event_Type } from '@podctl/proto/podctl/v1/fleet.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { apiBundle, ask, cleanUp, failure, reader } from '../../../../test/support/api-bundle.ts';
import { storeEvent } from '../../../../test/support/stored-events.ts';

afterEach(cleanUp);

const NONE: EventFilter = { types: [], feedId: '', agentId: '' };

async function world() {
  const client = new MemoryNats(systemClock, { onError: () => {} }).client('one');
  const stream = client.events();
  const api = await apiBundle(systemClock, stream);
  const list = (of: Partial<ListEventsRequest> = {}) =>
    ask(api.events.listEvents.bind(api.events), {
      ...{ filter: NONE, pageSize: 0, pageToken: '', newest: 0 },
      ...of,
    });
  const follow = (of: Partial<FollowEventsRequest> = {}) =>
    reader(api.events.followEvents({ filter: NONE, resumeToken: '', newest: 0, ...of }));
  return { api, client, stream, list, follow };
}

const words = ({ events }: { events: readonly { message: string }[] }) =>
  events.map(({ message }) => message);

describe('ListEvents', () => {
  test('gives what is stored, whole, under an id of its own', async () => {
    const { stream, list } = await world();
    await storeEvent(stream, 1);
    await storeEvent(stream, 2, { type: 'feed_read', episode: null, stage: null, agent: null });
    const { events } = await list();
    expect(events).toMatchObject([
      {
        eventId: 'c1.1.job_done.download',
        sequence: 0n,
        at: new Date(Date.UTC(2026, 0, 1) + 1),
        type: Event_Type.JOB_DONE,
        feedId: 'alpha',
        episodeId: 'e'.repeat(26),
        agentId: 'gpu-1',
        title: 'The Long Case',
        message: 'event 1',
      },
      { eventId: 'c1.2.feed_read._', type: Event_Type.FEED_READ, episodeId: '', agentId: '' },
    ]);
  });

  test('is asked page by page, for the newest, and by what they are of', async () => {
    const { stream, list } = await world();
    for (const n of [1, 2, 3]) await storeEvent(stream, n);
    await storeEvent(stream, 4, { feed: 'beta' as FeedId });
    const first = await list({ pageSize: 3 });
    expect(words(first)).toEqual(['event 1', 'event 2', 'event 3']);
    const rest = await list({ pageToken: first.nextPageToken });
    expect([words(rest), rest.nextPageToken]).toEqual([['event 4'], '']);
    expect(words(await list({ newest: 2 }))).toEqual(['event 3', 'event 4']);
    expect(words(await list({ filter: { ...NONE, feedId: 'beta' } }))).toEqual(['event 4']);
    const types = [Event_Type.JOB_DEAD];
    expect(words(await list({ filter: { ...NONE, types } }))).toEqual([]);
    const since = new Date(Date.UTC(2026, 0, 1) + 4);
    expect(words(await list({ filter: { ...NONE, since } }))).toEqual(['event 4']);
  });

  test('refuses what it cannot mean, and says what to give', async () => {
    const { list } = await world();
    const wrong: readonly [Partial<ListEventsRequest>, string][] = [
      [{ pageToken: 'x' }, 'page_token'],
      [{ pageSize: 1_001 }, 'page_size is 1001'],
      [{ newest: 1_001 }, 'newest is 1001'],
      [{ newest: 1, pageToken: '3' }, 'give one'],
      [{ filter: { ...NONE, feedId: 'a b' } }, 'feed'],
      [{ filter: { ...NONE, agentId: '>' } }, 'agent'],
      [{ filter: { ...NONE, types: [Event_Type.UNSPECIFIED] } }, 'no type'],
    ];
    for (const [request, sentence] of wrong) {
      const { code, details } = await failure(list(request));
      expect([code, details]).toEqual([status.INVALID_ARGUMENT, expect.stringContaining(sentence)]);
    }
  });

  test('says that the stream is away, or that there is none', async () => {
    const { client, list } = await world();
    client.cut();
    expect((await failure(list())).code).toBe(status.UNAVAILABLE);
    const without = await apiBundle();
    const asked = { filter: NONE, pageSize: 0, pageToken: '', newest: 0 };
    const call = ask(without.events.listEvents.bind(without.events), asked);
    expect((await failure(call)).code).toBe(status.FAILED_PRECONDITION);
  });
});

describe('FollowEvents', () => {
  test('begins with the newest, with all since a time, or with what comes', async () => {
    const { stream, follow } = await world();
    for (const n of [1, 2, 3]) await storeEvent(stream, n);
    expect(words(await follow({ newest: 2 })())).toEqual(['event 2', 'event 3']);
    const since = follow({ filter: { ...NONE, since: new Date(Date.UTC(2026, 0, 1) + 3) } });
    expect(words(await since())).toEqual([]);
    expect(words(await since())).toEqual(['event 3']);
    const live = follow();
    expect(await live()).toMatchObject({ events: [], resumeToken: '3' });
    await storeEvent(stream, 4);
    expect(await live()).toMatchObject({
      events: [{ eventId: 'c1.4.job_done.download' }],
      resumeToken: '4',
    });
  });

  test('goes on after its token, at any coordinator', async () => {
    const { stream, follow } = await world();
    for (const n of [1, 2, 3]) await storeEvent(stream, n);
    const other = await apiBundle(systemClock, stream);
    const request = { filter: NONE, resumeToken: '1', newest: 0 };
    const there = reader(other.events.followEvents(request));
    for (const next of [follow({ resumeToken: '1' }), there]) {
      expect(words(await next())).toEqual([]);
      expect(words(await next())).toEqual(['event 2', 'event 3']);
    }
  });

  test('refuses a token of a fleet that was', async () => {
    const { api } = await world();
    const call = api.events.followEvents({ filter: NONE, resumeToken: '9', newest: 0 });
    const ended = Promise.withResolvers<{ code?: number }>();
    call.on('data', () => undefined).on('error', ended.resolve);
    expect((await ended.promise).code).toBe(status.INVALID_ARGUMENT);
  });
});
