import { pipeline, type Readable } from 'node:stream';
import {
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib';

const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/**
 * What a host sent encoded though nobody asked for it, decoded as it is read: a bomb does no more harm than any long body,
 * whose bytes are counted by whoever reads. A body that ends early is an error. Null for an encoding that is not known.
 */
export function decoderOf(contentEncoding: string | null, body: Readable): Readable | null {
  const coding = contentEncoding?.trim().toLowerCase() ?? '';
  const make = Object.entries(DECODERS).find(([name]) => name === coding)?.[1];
  if (make === undefined) return null;
  // The reader sees the error on the stream that it reads.
  return pipeline(body, make(), () => undefined);
}
