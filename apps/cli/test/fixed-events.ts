import {
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import {
  EventServiceService,
  type FollowEventsRequest,
  type FollowEventsResponse,
  type ListEventsRequest,
  type ListEventsResponse,
} from '@podctl/proto/podctl/v1/event.ts';
import { type Event, FleetServiceService } from '@podctl/proto/podctl/v1/fleet.ts';
import { doneEvent } from './fixed-coordinator.ts';

export interface FixedEvents {
  readonly address: string;
  readonly listed: ListEventsRequest[];
  readonly followed: FollowEventsRequest[];
  stop(): Promise<void>;
}

/** What each stream in its turn sends before it breaks off; the last one stays open. */
export type FixedStreams = readonly (readonly FollowEventsResponse[])[];

export function storedEvent(id: number, message: string): Event {
  return { ...doneEvent, sequence: 0n, eventId: String(id), message };
}

/** A coordinator that has events, two a page, and nothing else. */
export async function startFixedEvents(
  events: readonly Event[],
  streams: FixedStreams = [[]],
): Promise<FixedEvents> {
  const listed: ListEventsRequest[] = [];
  const followed: FollowEventsRequest[] = [];
  const server = new Server();
  server.addService(EventServiceService, {
    listEvents: (
      { request }: ServerUnaryCall<ListEventsRequest, ListEventsResponse>,
      done: sendUnaryData<ListEventsResponse>,
    ) => {
      listed.push(request);
      const at = Number(request.pageToken || '0');
      const nextPageToken = at + 2 < events.length ? String(at + 2) : '';
      done(null, { events: events.slice(at, at + 2), nextPageToken });
    },
    followEvents: (call: ServerWritableStream<FollowEventsRequest, FollowEventsResponse>) => {
      const stream = streams[followed.push(call.request) - 1];
      for (const message of stream ?? []) call.write(message);
      if (followed.length < streams.length)
        call.emit('error', { code: status.UNAVAILABLE, details: 'this coordinator is stopping' });
    },
  });
  server.addService(FleetServiceService, {
    getServerInfo: (_: unknown, done: sendUnaryData<unknown>) =>
      done(null, {
        ...{ version: '0.1.0', coordinatorId: 'c1', leading: true, epoch: 3n },
        ...{ clusterId: 'abcdefghijklmnop', natsVersion: '2.15.1' },
      }),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const stop = async () => server.forceShutdown();
  return { address: `127.0.0.1:${port}`, listed, followed, stop };
}
