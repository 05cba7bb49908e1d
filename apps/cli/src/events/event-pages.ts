import type { CoordinatorClient } from '../client.ts';
import { type StoredEventView, storedEventView } from '../views/event-map.ts';
import type { EventsWanted } from './event-stream.ts';

/** A coordinator gives so many at a time. */
export const EVENTS_PAGE_MAX = 1_000;

/** The events that are wanted, oldest first, as they come: the newest so many, or all of them where that is 0. */
export async function* eventPages(
  client: CoordinatorClient,
  { filter, newest }: EventsWanted,
): AsyncGenerator<readonly StoredEventView[]> {
  let pageToken = '';
  do {
    const request = { filter, pageSize: 0, pageToken, newest };
    const { events, nextPageToken } = await client.listEvents(request);
    yield events.map(storedEventView);
    pageToken = nextPageToken;
  } while (pageToken !== '');
}
