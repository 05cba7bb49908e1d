import type { FeedId } from '@podctl/domain/ids.ts';
import { WatchResponse } from '@podctl/proto/podctl/v1/fleet.ts';
import { expect, test } from 'vitest';
import { world } from '../../../../test/support/watch-world.ts';
import { watchBytes } from './watch-bytes-map.ts';
import { WatchFrame } from './watch-frame-map.ts';

test('each watcher reads its own sequence and token before what it shares with others', () => {
  const { fleet, clock } = world();
  const frame = new WatchFrame();
  fleet.feed('alpha' as FeedId);
  fleet.information = { ...fleet.information, stateAgeMs: 1_500 };
  frame.refresh(fleet.picture(), fleet.info(), 0);
  const first = frame.snapshot(1, fleet.events, clock.monotonicMs());
  const later = frame.snapshot(7, fleet.events, clock.monotonicMs());
  for (const response of [first, later]) {
    const read = WatchResponse.decode(sent(response));
    expect(read).toEqual(WatchResponse.decode(WatchResponse.encode(response).finish()));
    expect([read.sequence, read.resumeToken]).toEqual([response.sequence, response.resumeToken]);
  }
  const heartbeat = frame.heartbeat(8, { version: 1, newestEvent: 0 }, pulse);
  expect(WatchResponse.decode(sent(heartbeat)).message?.$case).toBe('heartbeat');
});

/** As grpc-js puts it behind the five bytes of its length. */
function sent(response: WatchResponse): Buffer {
  const bytes = watchBytes(response);
  const output = Buffer.alloc(bytes.byteLength + 5);
  expect(bytes.copy(output, 5)).toBe(bytes.byteLength);
  return output.subarray(5);
}

const pulse = { wallMs: 0, stateAgeMs: 0, everyMs: 10_000 };
