import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { active, get, jobPath, patch, requestHead } from '../support/byte-requests.ts';
import { ByteWorld, type Held, newTicket, type WorldSettings } from '../support/byte-world.ts';

let world: ByteWorld;
async function start(settings: WorldSettings = {}): Promise<void> {
  world = await ByteWorld.start(settings);
}
afterEach(() => world.stop());

describe('whoever has no business here', () => {
  test('is refused, and nothing that was sent comes back', async () => {
    await start();
    const held = world.hold('download');
    const other = world.hold('download', newTicket(), 2);
    const path = jobPath(held, 'files/audio.mp3');
    expect((await get(world, path, null)).statusCode).toBe(405);
    const ask = (at: string, ticket: string | null) => get(world, at, ticket, {}, 'HEAD');
    expect((await ask(path, null)).statusCode).toBe(401);
    expect((await ask(path, 'nonsense')).statusCode).toBe(401);
    expect((await ask(path, newTicket())).statusCode).toBe(403);
    expect((await ask(path, other.ticket)).statusCode).toBe(403);
    expect((await ask(path, held.ticket)).statusCode).toBe(200);
    const later = path.replace(`/${held.job.token}/`, `/${held.job.token + 50}/`);
    expect((await ask(later, held.ticket)).statusCode).toBe(503);
    const earlier = path.replace(`/${held.job.token}/`, `/${held.job.token - 50}/`);
    expect((await ask(earlier, held.ticket)).statusCode).toBe(410);
    for (const name of [
      '..%2f..%2fx',
      '%2e%2e',
      '..',
      '.part-of-audio.mp3',
      'A',
      'a/b',
      'x'.repeat(65),
      '',
    ]) {
      const answer = await rawStatus(
        `HEAD /v1/jobs/${held.job.feed}.${held.job.episode}.download/${held.job.token}/files/${name} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${held.ticket}\r\n\r\n`,
      );
      expect([name, answer]).toEqual([name, 404]);
    }
    const probe = await get(world, '/v1/<script>secret', null);
    expect([probe.statusCode, probe.bytes.toString()]).toEqual([404, 'no_such_route\n']);
    expect(await world.library.list('staging', 10)).toEqual([]);
    expect(await world.page()).toContain('podctl_transfers_refused_total{reason="wrong_ticket"} 2');
  });

  test('cannot write beyond the limits, or beside the protocol', async () => {
    await start({ limits: { bytesMax: 1_000 } });
    const held = world.hold('download');
    const status = async (...of: [Held, string, Buffer, Record<string, string>?]) =>
      (await patch(world, ...of)).statusCode;
    expect(await status(held, 'audio.mp3', Buffer.alloc(1_001))).toBe(413);
    expect(await status(held, 'audio.mp3', Buffer.alloc(10), { 'upload-offset': '5' })).toBe(409);
    expect(await status(held, 'audio.mp3', Buffer.alloc(10), { 'upload-offset': '-1' })).toBe(400);
    expect(await status(held, 'audio.mp3', Buffer.alloc(10), { 'upload-complete': 'yes' })).toBe(
      400,
    );
    expect(await status(held, 'audio.mp3', Buffer.alloc(10), { 'upload-complete': '?1' })).toBe(
      400,
    );
    expect(await status(held, 'manifest.json', Buffer.alloc(900))).toBe(204);
    for (let i = 0; i < 64; i += 1) await status(held, `f${i}.txt`, Buffer.from('x'));
    expect(await status(held, 'one-more.txt', Buffer.from('x'))).toBe(409);
  });

  test('cannot send a piece without its length', async () => {
    await start();
    const held = world.hold('download');
    const fields = {
      'upload-offset': '0',
      'upload-complete': '?0',
      'transfer-encoding': 'chunked',
    };
    const head = requestHead('PATCH', held, 'files/audio.mp3', fields);
    expect(await rawStatus(`${head}1\r\nx\r\n0\r\n\r\n`)).toBe(411);
    expect(await world.library.list('staging', 10)).toEqual([]);
  });

  test('cannot add to an attempt that is finished', async () => {
    await start();
    const held = world.hold('download');
    const place = join(world.library.root, world.staged(held.job, 'manifest.json'));
    await mkdir(join(place, '..'), { recursive: true });
    await writeFile(place, '{}');
    expect((await patch(world, held, 'audio.mp3', Buffer.from('x'))).statusCode).toBe(409);
  });

  test('cannot hold a place by being slow, with header fields or with a body', async () => {
    await start({ limits: { idleMs: 100, headersMs: 200, transfersMax: 1 } });
    const held = world.hold('download');
    const { port } = world;
    const slowHead = connect(port, '127.0.0.1');
    slowHead.write('HEAD /v1/lib');
    const slowBody = connect(port, '127.0.0.1');
    for (const socket of [slowHead, slowBody]) socket.on('error', () => {}).resume();
    const closed = Promise.all([once(slowHead, 'close'), once(slowBody, 'close')]);
    slowBody.write(
      requestHead('PATCH', held, 'files/audio.mp3', {
        'upload-offset': '0',
        'upload-complete': '?0',
        'content-length': '1000000',
      }),
    );
    await active(world, 'in', 1);
    const busy = await patch(world, held, 'other.txt', Buffer.from('x'));
    expect([busy.statusCode, busy.headers['retry-after']]).toEqual([503, '5']);
    await closed;
    await active(world, 'in', 0);
  });
});

/** For targets that a client would tidy up. */
async function rawStatus(text: string): Promise<number> {
  const socket = connect(world.port, '127.0.0.1');
  socket.write(text);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(answer.toString())?.[1]);
}
