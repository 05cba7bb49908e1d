import type { IncomingMessage } from 'node:http';
import type { Answer } from './download-world.ts';

export const CUT_BYTES = 200_000;

/** Sends so much of a version, and then breaks off: what a broken connection leaves. */
export function cut(audio: Buffer, headers: Record<string, string>): Answer {
  return (response) => {
    response.writeHead(200, { ...headers, 'content-length': String(audio.length) });
    response.write(audio.subarray(0, CUT_BYTES), () => setImmediate(() => response.destroy()));
  };
}

/** A good host: the rest for If-Range with its validator, else all. */
export function ranged(audio: Buffer, headers: Record<string, string>): Answer {
  return (response, request) => {
    const validator = headers.etag ?? headers['last-modified'];
    const [, start] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
    if (start === undefined || request.headers['if-range'] !== validator)
      return void response.writeHead(200, headers).end(audio);
    const range = `bytes ${start}-${audio.length - 1}/${audio.length}`;
    response.writeHead(206, { ...headers, 'content-range': range });
    response.end(audio.subarray(Number(start)));
  };
}

/** NaN without a range. */
export function startOf(request: IncomingMessage): number {
  return Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
}
