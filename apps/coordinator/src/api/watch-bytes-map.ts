import { WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';

/** None of its fields is written: an empty token would be, and come after the true one. */
const NO_HEAD = { sequence: 0n, resumeToken: undefined, stateAge: undefined };

const encoded = new WeakMap<object, Uint8Array>();

/** What grpc-js asks of a message that is to be sent. */
type Sent = Pick<Buffer, 'byteLength' | 'copy'>;

/**
 * A message of a watch stream as it goes over the wire. What a hundred watchers are told alike is encoded once: in
 * Protocol Buffers the fields of a message may come in parts, so each gets its own sequence and token before the same bytes.
 *
 * grpc-js copies each message behind its length, so the two parts are joined there and not before: of a hundred busy
 * watchers the collection of such buffers is what costs.
 */
export function watchBytes({ message, ...head }: WatchResponse): Buffer {
  const own = WatchResponse.encode(WatchResponse.fromPartial(head)).finish();
  const shared = message === undefined ? NOTHING : sharedBytes(message);
  const sent: Sent = {
    byteLength: own.byteLength + shared.byteLength,
    copy: (target: Uint8Array, start = 0) => {
      target.set(own, start);
      target.set(shared, start + own.byteLength);
      return own.byteLength + shared.byteLength;
    },
  };
  return sent as Buffer;
}

const NOTHING = new Uint8Array();

function sharedBytes(message: NonNullable<WatchResponse['message']>): Uint8Array {
  const known = encoded.get(message);
  if (known !== undefined) return known;
  const shared = WatchResponse.encode({ ...NO_HEAD, message }).finish();
  encoded.set(message, shared);
  return shared;
}
