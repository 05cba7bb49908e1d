import type { MsgHdrs } from '@nats-io/transport-node';
import type { KvEntry } from '../kv.ts';

/** Set by clients of KV buckets on markers: `DEL` or `PURGE`. */
export const OPERATION_HEADER = 'KV-Operation';
/** Set by the server on the marker that an expired key leaves: `MaxAge`. */
const MARKER_HEADER = 'Nats-Marker-Reason';

export function kvEntry(
  key: string,
  revision: number,
  value: Uint8Array,
  headers: MsgHdrs | undefined,
): KvEntry {
  const isMarker =
    headers !== undefined && (headers.has(OPERATION_HEADER) || headers.has(MARKER_HEADER));
  return isMarker ? { kind: 'gone', key, revision } : { kind: 'value', key, revision, value };
}
