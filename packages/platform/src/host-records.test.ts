import { expect, it } from 'vitest';
import { feedHostRecord, hostRecord } from './host-records.ts';

const of = { cluster: 'c'.repeat(16), nonce: 'n'.repeat(16) };
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

it('a host is read as it was written, and by older versions for what they know of it', () => {
  const written = {
    ...{ ...of, host: 'cdn.example.org', strikes: 2, limit: 1 },
    ...{ coolingUntilMs: 1_790_000_000_000, sinceMs: 1_789_999_000_000, why: 'busy' },
  };
  expect(hostRecord.decode(bytes(written))).toEqual({ ok: true, value: written });
  expect(hostRecord.decode(bytes({ ...written, mood: 'new' }))).toEqual({
    ok: true,
    value: written,
  });
  expect(hostRecord.decode(bytes({ ...written, limit: 0 })).ok).toBe(false);
  expect(hostRecord.decode(bytes({ ...written, host: 'a b' })).ok).toBe(false);
});

it('where a feed’s audio comes from is read as it was written', () => {
  const written = { ...of, feed: 'alpha', host: null, learned: false };
  expect(feedHostRecord.decode(bytes(written))).toEqual({ ok: true, value: written });
});
