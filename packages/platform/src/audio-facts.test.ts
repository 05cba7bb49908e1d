import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readAudioFacts } from './audio-facts.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-facts-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function facts(name: string, bytes: Buffer) {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return readAudioFacts(path);
}

/** PCM of 16 bits, one channel. */
function wav(seconds: number, rate = 8_000): Buffer {
  const dataBytes = seconds * rate * 2;
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + dataBytes, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(dataBytes, 40);
  return Buffer.concat([head, Buffer.alloc(dataBytes, 1)]);
}

function box(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(body.length + 8);
  head.write(type, 4, 'latin1');
  return Buffer.concat([head, body]);
}

function words(...values: readonly number[]): Buffer {
  const buffer = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) buffer.writeUInt32BE(value, i * 4);
  return buffer;
}

/** The least of an MPEG-4 file: one track with a sample entry of a kind, some seconds long. */
function mp4(entry: string, handler: 'soun' | 'vide', seconds = 20): Buffer {
  const rate = 44_100;
  const sound = Buffer.concat([words(0, 1, 0, 0), words((1 << 16) | 16, 0, (rate << 16) >>> 0)]);
  const stsd = box('stsd', words(0, 1), box(entry, sound));
  const tables = [
    box('stts', words(0, 1, seconds * 43, 1_024)),
    box('stsc', words(0, 0)),
    box('stsz', words(0, 0, 0)),
    box('stco', words(0, 0)),
  ];
  const mdhd = box('mdhd', words(0, 0, 0, rate, rate * seconds, 0));
  const hdlr = box('hdlr', words(0, 0), Buffer.from(handler), words(0, 0, 0), Buffer.alloc(1));
  const minf = box('minf', box('stbl', stsd, ...tables));
  const tkhd = box('tkhd', words(0, 0, 0, 1, 0, seconds * 1_000), Buffer.alloc(60));
  const mvhd = box('mvhd', words(0, 0, 0, 1_000, seconds * 1_000), Buffer.alloc(80));
  const moov = box('moov', mvhd, box('trak', tkhd, box('mdia', mdhd, hdlr, minf)));
  return Buffer.concat([
    box('ftyp', Buffer.from('M4A '), words(0)),
    moov,
    box('mdat', Buffer.alloc(100_000)),
  ]);
}

describe('what a file is', () => {
  test('is measured, whatever it says of itself', async () => {
    expect(await facts('a.wav', wav(12))).toMatchObject({
      ok: true,
      value: { seconds: 12, sampleRateHz: 8_000, container: 'WAVE' },
    });
    expect(await facts('a.m4a', mp4('mp4a', 'soun'))).toMatchObject({
      ok: true,
      value: { seconds: expect.closeTo(20, 0) },
    });
  });

  test('is no audio when it is encrypted, is a video without sound, or nothing', async () => {
    expect(await facts('b.m4a', mp4('enca', 'soun'))).toMatchObject({
      ok: false,
      error: { code: 'encrypted' },
    });
    expect(await facts('c.m4a', mp4('drms', 'soun'))).toMatchObject({
      ok: false,
      error: { code: 'encrypted' },
    });
    expect(await facts('d.bin', Buffer.alloc(200_000, 7))).toMatchObject({
      ok: false,
      error: { code: 'undecodable' },
    });
    expect(await facts('e.wav', wav(0.25))).toMatchObject({ ok: false });
  });
});
