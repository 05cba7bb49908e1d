import { hostName } from '@podctl/domain/host-name.ts';
import type { FeedHostRecord, HostRecord } from '@podctl/domain/host-state.ts';
import { clusterId, feedId, nonce } from '@podctl/domain/ids.ts';
import { z } from 'zod';
import { recordCodec } from './records.ts';
import { branded } from './wire.ts';

const millis = z.number().int().min(0);

/** What the fleet may ask of a host, as its key holds it. */
export const hostRecord = recordCodec<HostRecord>(
  'host',
  z.object({
    cluster: branded(clusterId),
    nonce: branded(nonce),
    host: branded(hostName),
    strikes: z.number().int().min(0),
    limit: z.number().int().min(1),
    coolingUntilMs: millis,
    sinceMs: millis,
    why: z.string().max(1_000),
  }),
);

/** Where a feed's audio comes from, as its key holds it. */
export const feedHostRecord = recordCodec<FeedHostRecord>(
  "feed's host",
  z.object({
    cluster: branded(clusterId),
    nonce: branded(nonce),
    feed: branded(feedId),
    host: branded(hostName).nullable(),
    learned: z.boolean(),
  }),
);
