/**
 * A host of audio for `bench:download`, in a process of its own, on all addresses of 127.0.0.0/8: `/free/<bytes>` as fast as
 * it is read, `/capped/<bytes>` within one cap of all connections together (argument: bytes a second). Tells its port on stdout.
 */
import { createServer, type ServerResponse } from 'node:http';

const CHUNK_BYTES = 1_044_480;
const TICK_MS = 4;
const cap = Number(process.argv[2]);
const frames = mpegFrames(CHUNK_BYTES);
let budgetBytes = 0;
let atMs = performance.now();
let waiting: (() => void)[] = [];

/** MPEG 1 layer III, 128 kbit/s, 44.1 kHz without padding: 417 bytes a frame, so that its length is known by any reader. */
function mpegFrames(bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes + 417);
  for (let at = 0; at < buffer.length; at += 417) buffer.set([0xff, 0xfb, 0x90, 0x00], at);
  return buffer;
}

setInterval(() => {
  const nowMs = performance.now();
  budgetBytes = Math.min(cap * 0.02, budgetBytes + (cap * (nowMs - atMs)) / 1_000);
  atMs = nowMs;
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}, TICK_MS).unref();

async function send(response: ServerResponse, bytes: number, isCapped: boolean): Promise<void> {
  const most = isCapped ? 65_536 : CHUNK_BYTES;
  let wake = () => {};
  for (const event of ['drain', 'close']) response.on(event, () => wake());
  const drained = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });
  for (let at = 0; at < bytes && !response.destroyed; ) {
    const count = Math.min(most, bytes - at);
    while (isCapped && budgetBytes < count)
      await new Promise<void>((resolve) => waiting.push(resolve));
    if (isCapped) budgetBytes -= count;
    const phase = at % 417;
    if (!response.write(frames.subarray(phase, phase + count))) await drained();
    at += count;
  }
  response.end();
}

const server = createServer((request, response) => {
  const [, kind, digits] = (request.url ?? '').split('/');
  response.writeHead(200, {
    'content-type': 'audio/mpeg',
    'content-length': Number(digits),
    etag: '"1"',
  });
  void send(response, Number(digits), kind === 'capped').catch(() => response.destroy());
});
server.listen(0, '0.0.0.0', () => {
  const address = server.address();
  console.log(typeof address === 'object' ? address?.port : 0);
});
process.stdin.resume().on('end', () => process.exit(0));
