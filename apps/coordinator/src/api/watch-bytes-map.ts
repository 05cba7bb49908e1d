import { WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';

/** None of its fields is written: an empty token would be, and come after the true one. */
const NO_HEAD = { sequence: 0n, resumeToken: undefined, stateAge: undefined };

const encoded = new WeakMap<object, Uint8Array>();

/**
 * A message of a watch stream as it goes over the wire. What a hundred watchers are told alike is encoded once: in
 * Protocol Buffers the fields of a message may come in parts, so each gets its own sequence and token before the same bytes.
 */
export function watchBytes({ message, ...head }: WatchResponse): Buffer {
  const own = WatchResponse.encode(WatchResponse.fromPartial(head)).finish();
  if (message === undefined) return Buffer.from(own);
  const known = encoded.get(message);
  const shared = known ?? WatchResponse.encode({ ...NO_HEAD, message }).finish();
  if (known === undefined) encoded.set(message, shared);
  return Buffer.concat([own, shared]);
}
