import { describe, expect, test } from 'vitest';
import { heartbeatShowsGap, onDelivery, parseDelivery } from './tail-cursor.ts';

const cursor = { revision: 40, heard: 3 };

describe('the cursor of a tail', () => {
  test('delivers the next message and moves on', () => {
    const step = onDelivery(cursor, { revision: 44, consumerSequence: 4, pending: 0 });
    expect(step).toEqual({ kind: 'deliver', cursor: { revision: 44, heard: 4 } });
  });

  test('drops what was delivered before, and stays in step with the consumer', () => {
    const step = onDelivery(cursor, { revision: 40, consumerSequence: 4, pending: 1 });
    expect(step).toEqual({ kind: 'duplicate', cursor: { revision: 40, heard: 4 } });
  });

  test('sees a lost message by a hole in the deliveries, or by a heartbeat that is ahead', () => {
    expect(onDelivery(cursor, { revision: 44, consumerSequence: 5, pending: 0 }).kind).toBe('gap');
    expect(heartbeatShowsGap(cursor, 4)).toBe(true);
    expect(heartbeatShowsGap(cursor, 3)).toBe(false);
  });

  test('reads both forms of the reply subject, and nothing else', () => {
    const facts = { revision: 17, consumerSequence: 5, pending: 2 };
    expect(parseDelivery('$JS.ACK.KV_b.name.1.17.5.1795382912189200199.2')).toEqual(facts);
    expect(parseDelivery('$JS.ACK.hub.acc.KV_b.name.1.17.5.1795382912189200199.2.x')).toEqual(
      facts,
    );
    for (const other of [undefined, '', '_INBOX.x.y', '$JS.ACK.KV_b.name.1.x.5.1.2']) {
      expect(parseDelivery(other)).toBeNull();
    }
  });
});
