import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lowestCap, take, tokenBucket } from './token-bucket.ts';

describe('a rate of bytes', () => {
  it('is kept by all who share it, whatever they take and when, but for the burst of a moment', () => {
    const taken = fc.record({
      bytes: fc.integer({ min: 1, max: 200_000 }),
      idleMs: fc.integer({ min: 0, max: 2_000 }),
    });
    fc.assert(
      fc.property(
        fc.array(taken, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 1_000, max: 1e7 }),
        (list, bytesPerSecond) => {
          let bucket = tokenBucket(0);
          let nowMs = 0;
          let bytes = 0;
          for (const one of list) {
            nowMs += one.idleMs;
            const next = take(bucket, one.bytes, bytesPerSecond, nowMs);
            bucket = next.bucket;
            bytes += one.bytes;
            nowMs += next.waitMs;
          }
          expect(bytes).toBeLessThanOrEqual(bytesPerSecond * (nowMs / 1_000 + 0.25) + 1);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('waits not at all below it, and as long as the debt above it', () => {
    const first = take(tokenBucket(0), 100, 1_000, 1_000);
    expect(first.waitMs).toBe(0);
    expect(take(first.bucket, 650, 1_000, 1_000).waitMs).toBe(500);
    expect(lowestCap(null, null)).toBeNull();
    expect(lowestCap(5, null, 3)).toBe(3);
  });
});
