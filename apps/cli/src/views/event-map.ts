import type { Event } from '@podctl/proto/podctl/v1/fleet.ts';
import { type EventView, eventFields } from './fleet-map.ts';

/** Something that happened, as `podctl events` prints it. */
export type StoredEventView = Omit<EventView, 'sequence'>;

export function storedEventView(event: Event): StoredEventView {
  return eventFields(event);
}
