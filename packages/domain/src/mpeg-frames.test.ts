import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MpegFrames } from './mpeg-frames.ts';

/** MPEG 1 layer III at 44.1 kHz: the bytes of a frame by its bit rate's index. */
const VBR = [
  [5, 208],
  [9, 417],
  [11, 626],
] as const;

function frames(count: number): Buffer {
  const list = Array.from({ length: count }, (_, n) => {
    const [index, bytes] = VBR[n % VBR.length] ?? [9, 417];
    const frame = Buffer.alloc(bytes, n);
    frame.set([0xff, 0xfb, index << 4, 0x00]);
    return frame;
  });
  return Buffer.concat(list);
}

function id3(bytes: number): Buffer {
  const tag = Buffer.alloc(bytes + 10, 0xff);
  const size = [21, 14, 7, 0].map((shift) => (bytes >> shift) & 0x7f);
  tag.set([0x49, 0x44, 0x33, 4, 0, 0, ...size]);
  return tag;
}

function secondsOf(...chunks: readonly Buffer[]): number | null {
  const sum = new MpegFrames();
  for (const chunk of chunks) sum.push(chunk);
  return sum.sum()?.seconds ?? null;
}

const SECONDS = (1_152 / 44_100) * 100;

describe('the frames of a stream', () => {
  it('add up to its length at any bit rate and without a header about it, however it is cut', () => {
    const stream = Buffer.concat([id3(3_000), frames(100), Buffer.from('TAG'.padEnd(128, '\0'))]);
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: stream.length }), { maxLength: 20 }),
        (cuts) => {
          const places = [0, ...cuts.sort((a, b) => a - b), stream.length];
          const chunks = places.slice(1).map((end, i) => stream.subarray(places[i], end));
          expect(secondsOf(...chunks)).toBeCloseTo(SECONDS, 3);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('are found again after rubbish between them', () => {
    const rubbish = Buffer.alloc(5_000, 0xff);
    expect(secondsOf(frames(50), rubbish, frames(50))).toBeCloseTo(SECONDS, 0);
  });

  it('tell the codec, and are none in noise, in a page, or in less than a second', () => {
    const sum = new MpegFrames();
    sum.push(frames(100));
    expect(sum.sum()).toMatchObject({
      codec: 'MPEG 1 Layer 3',
      container: 'MPEG',
      sampleRateHz: 44_100,
    });
    expect(secondsOf(frames(10))).toBeNull();
    expect(secondsOf(Buffer.alloc(1_000_000, 0xff))).toBeNull();
    const noise = Buffer.from(
      Uint32Array.from({ length: 250_000 }, (_, i) => (i * 2_654_435_761) >>> 0).buffer,
    );
    expect(secondsOf(noise)).toBeNull();
  });

  it('of AAC are counted too', () => {
    const frame = Buffer.alloc(300);
    frame.set([0xff, 0xf1, 0x50, 0x80, 300 >> 3, ((300 & 7) << 5) | 0x1f, 0xfc]);
    expect(secondsOf(...Array.from({ length: 100 }, () => frame))).toBeCloseTo(102_400 / 44_100, 3);
  });
});
