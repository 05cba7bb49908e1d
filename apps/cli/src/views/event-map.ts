import type { Event } from '@podctl/proto/podctl/v1/fleet.ts';
import { type EventView, eventFields } from './fleet-map.ts';

/** Something that happened, as `podctl events` prints it. */
export interface StoredEventView extends Omit<EventView, 'sequence'> {
  /** The same from each coordinator. */
  readonly eventId: string;
}

export function storedEventView(event: Event): StoredEventView {
  return { eventId: event.eventId ?? '', ...eventFields(event) };
}
