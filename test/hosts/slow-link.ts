import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/**
 * A slow link in the place of tc netem, which few kernels of CI machines have: `node slow-link.ts PORT HOST:PORT…`. What
 * comes on that port of loopback goes on to one of the others, DELAY_MS later, at BYTES_PER_SECOND; and every STALL_EVERY_MS
 * nothing passes for STALL_MS, as TCP makes of lost packets.
 */
const DELAY_MS = 300;
const BYTES_PER_SECOND = 32_000;
const STALL_EVERY_MS = 10_000;
const STALL_MS = 3_000;
const [, , port = '4222', ...targets] = process.argv;
let next = 0;

createServer((near) => {
  const [host = '', targetPort = ''] = (targets[next++ % targets.length] ?? '').split(':');
  const far = connect(Number(targetPort), host);
  slowly(near, far);
  slowly(far, near);
}).listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));

function slowly(from: Socket, to: Socket): void {
  let freeAtMs = 0;
  const slow = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const nowMs = performance.now();
      freeAtMs = Math.max(freeAtMs, nowMs + DELAY_MS) + (chunk.length / BYTES_PER_SECOND) * 1_000;
      setTimeout(done, afterStall(freeAtMs) - nowMs, null, chunk);
    },
  });
  from.on('error', () => to.destroy());
  from.on('close', () => to.destroy());
  from.pipe(slow).pipe(to);
}

function afterStall(atMs: number): number {
  const inPeriod = atMs % STALL_EVERY_MS;
  return inPeriod < STALL_MS ? atMs - inPeriod + STALL_MS : atMs;
}
