import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { BodyChunks } from './body-chunks.ts';

test('a host that sends single bytes is paused before they take much memory', async () => {
  let sent = 0;
  const body = new Readable({
    read() {
      sent += 1;
      this.push(sent > 50_000 ? null : Buffer.from('x'));
    },
    highWaterMark: 16,
  });
  const chunks = new BodyChunks(body);
  const paused = new Promise((resolve) => body.once('pause', resolve));
  await paused;
  expect(sent).toBeLessThan(3_000);
  let bytes = 0;
  for (let next = await chunks.next(); !next.done; next = await chunks.next())
    bytes += next.value.length;
  expect(bytes).toBe(50_000);
});
