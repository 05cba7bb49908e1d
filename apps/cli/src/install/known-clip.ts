import { fileURLToPath } from 'node:url';

const inSample = (name: string) =>
  fileURLToPath(new URL(`../../../../examples/sample/the-tuesday-bench/${name}`, import.meta.url));

/** The shortest clip of the sample, 29 s, and what is said in it. */
export const KNOWN_CLIP = {
  audio: inSample('bench-01.mp3'),
  text: inSample('bench-01.txt'),
} as const;
