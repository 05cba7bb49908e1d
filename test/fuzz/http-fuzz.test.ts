import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { HealthServer } from '@podctl/platform/health-server.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  allowedMethods,
  parseByteRoute,
  ticketOf,
} from '../../apps/coordinator/src/core/byte-access.ts';
import {
  matches,
  parseRange,
  parseUploadPiece,
} from '../../apps/coordinator/src/core/byte-headers.ts';

import { get, jobPath, patch } from '../support/byte-requests.ts';
import { ByteWorld, type Held, sha256Of } from '../support/byte-world.ts';
import {
  descriptors,
  exchangeHttp,
  FIELDS,
  type Right,
  requests,
  smuggled,
} from './hostile-http.ts';
import { hostileText, mutatedText } from './hostile-text.ts';
import { holds, keepsWithin } from './runs.ts';

const AUDIO = Buffer.from('0123456789');
const FILES_A_TOKEN_MAX = 70;
const GET: Right = { method: 'GET', path: '/', fields: [], body: '' };

let world: ByteWorld;
let input: Held;
let upload: Held;
let rights: readonly Right[];

beforeAll(async () => {
  world = await ByteWorld.start({ limits: { idleMs: 200, headersMs: 200, transfersMax: 8 } });
  await world.accept(AUDIO);
  input = world.hold('transcribe');
  upload = world.hold('download', undefined, 2);
  const shown = ({ ticket }: Held) => `authorization: Bearer ${ticket}`;
  const part = { method: 'PATCH', path: jobPath(upload, 'files/audio.mp3'), body: 'hello' };
  const piece = [shown(upload), 'upload-offset: 0', 'content-length: 5'];
  const whole = ['upload-complete: ?1', 'upload-length: 5', `repr-digest: ${digest('hello')}`];
  rights = [
    { ...GET, path: '/v1/library' },
    { ...GET, path: jobPath(input, 'input'), fields: [shown(input), 'range: bytes=2-5'] },
    { ...GET, path: jobPath(input, 'input'), fields: [shown(input)] },
    { ...part, fields: [...piece, 'upload-complete: ?0'] },
    { ...part, path: jobPath(upload, 'files/x.txt'), fields: [...piece, ...whole] },
    { ...part, method: 'HEAD', fields: [shown(upload)], body: '' },
    { ...GET, method: 'POST', path: '/v1/enrol', fields: ['content-length: 2'], body: '{}' },
  ];
});
afterAll(() => world.stop());

/** What every line of answers looks like, whoever asked what. */
function isPlainAnswer(said: string, sent: Buffer): void {
  if (said === '') return;
  expect(said).toMatch(
    /^HTTP\/1\.1 (100|200|204|206|400|401|403|404|405|408|409|410|411|412|413|416|417|422|431|503|507) /,
  );
  const asked = sent.toString('latin1');
  const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(said) ?? [];
  const body = said.slice(said.indexOf('\r\n\r\n'));
  if (Number(status) < 400 || body.length < 20) return;
  for (let at = 0; at + 60 < asked.length; at += 60)
    expect(body).not.toContain(asked.slice(at, at + 60));
}

async function files(): Promise<string[]> {
  const all = await readdir(join(world.folder, 'library'), {
    recursive: true,
    withFileTypes: true,
  });
  return all.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

describe('the byte server', () => {
  test('answers or ends whatever comes, keeps no descriptor and no stray file, and takes the next upload', async () => {
    const before = { descriptors: await descriptors(), files: await files() };
    // A file that nobody closed is closed when it is collected: that is told, and no descriptor is missing.
    const warnings: string[] = [];
    const onWarning = ({ message }: Error) => void warnings.push(message);
    process.on('warning', onWarning);
    const effort = { usual: 200, oneIn: 20 };
    await keepsWithin(16, () =>
      holds('HTTP requests to the byte server', effort, requests(rights), async (sent) => {
        const { said, isCut } = await exchangeHttp(world.port, sent);
        isPlainAnswer(said, sent.bytes);
        // Whoever sends no more is cut off by the server itself, whatever it holds open.
        if (sent.last === 'waits' && said === '') expect(isCut).toBe(false);
      }),
    );
    while ((await descriptors()) > before.descriptors + 3) await new Promise(setImmediate);
    process.off('warning', onWarning);
    expect(warnings.join('\n')).not.toMatch(/descriptor|FileHandle/);
    const staging = join(world.folder, 'library', 'staging');
    const made = (await files()).filter((file) => !before.files.includes(file));
    expect(made.filter((file) => !file.startsWith(staging))).toEqual([]);
    expect(made.length).toBeLessThan(FILES_A_TOKEN_MAX);
    const fields = {
      'upload-complete': '?1',
      'upload-length': '5',
      'repr-digest': digest('hello'),
    };
    const done = await patch(world, upload, 'valid.txt', Buffer.from('hello'), fields);
    expect([done.statusCode, done.headers['upload-complete']]).toEqual([204, '?1']);
    expect((await get(world, jobPath(input, 'input'), input.ticket)).bytes).toEqual(AUDIO);
  });

  test('answers no request that is hidden in the body of another', () =>
    holds('HTTP requests within others', { usual: 60, oneIn: 100 }, smuggled, async (bytes) => {
      const sent = { bytes, pauseAt: 20, last: 'ends' } as const;
      const { said } = await exchangeHttp(world.port, sent);
      expect(said).not.toContain('"library"');
    }));
});

describe('the health server', () => {
  test('answers or ends whatever comes, shows the metrics to nobody without the token, and answers the next', async () => {
    const secret = 's3cret-of-the-metrics';
    const errors: unknown[] = [];
    const logger = createLogger({
      component: 'it',
      level: 'warn',
      terminal: false,
      write: (line) => void errors.push(line),
    });
    const server = new HealthServer({
      ...{ listen: { host: '127.0.0.1', port: 0 }, setting: 'coordinator.http.listen' },
      checks: () => [{ name: 'state', ok: true, detail: 'followed' }],
      metrics: async () => ({ contentType: 'text/plain', text: 'podctl_up 1\n' }),
      logger,
      token: secret,
    });
    await server.start();
    const port = Number(server.address?.split(':').at(-1));
    const before = await descriptors();
    const wrong = [`Bearer ${secret}x`, 'Bearer ', 'Basic eDp5', `bearer  ${secret}`, '__proto__'];
    const pages = ['/metrics', '/livez', '/readyz?verbose', '/metrics?x=/livez'];
    const asked = pages.flatMap((path) =>
      wrong.map((value) => ({ ...GET, path, fields: [`authorization: ${value}`] })),
    );
    const sent = requests(asked);
    await holds(
      'HTTP requests to the health server',
      { usual: 150, oneIn: 50 },
      sent,
      async (one) => {
        const { said } = await exchangeHttp(port, {
          ...one,
          last: one.last === 'waits' ? 'ends' : one.last,
        });
        isPlainAnswer(said, one.bytes);
        expect(said).not.toContain('podctl_up');
      },
    );
    while ((await descriptors()) > before + 3) await new Promise(setImmediate);
    const page = await fetch(`http://${server.address}/metrics`, {
      headers: { authorization: `Bearer ${secret}` },
    });
    expect(await page.text()).toBe('podctl_up 1\n');
    expect(errors).toEqual([]);
    await server.stop();
  });
});

const values = (name: string) => mutatedText(fc.constantFrom(...(FIELDS[name] ?? []), ''));
const maybe = (name: string) => fc.option(values(name), { nil: undefined });

describe('of whatever text', () => {
  test('a range that is understood lies within the file', () =>
    holds(
      'ranges',
      { usual: 2_000 },
      fc.tuple(maybe('range'), fc.nat(2_000)),
      ([header, sizeBytes]) => {
        const range = parseRange(header, sizeBytes);
        if (range === null || range === 'unsatisfiable') return;
        expect(range.startBytes).toBeGreaterThanOrEqual(0);
        expect(range.endBytes).toBeGreaterThan(range.startBytes);
        expect(range.endBytes).toBeLessThanOrEqual(sizeBytes);
        expect(header).toBe(header?.replace(/[^\x20-\x7e]/g, ''));
      },
    ));

  test('a piece of an upload that is understood has an offset within its whole, and a digest', () => {
    const fields = fc.record({
      ...{ offset: maybe('upload-offset'), complete: maybe('upload-complete') },
      ...{ length: maybe('upload-length'), digest: maybe('repr-digest') },
    });
    return holds('upload fields', { usual: 2_000 }, fields, (given) => {
      const piece = parseUploadPiece(given);
      if (!piece.ok) {
        expect(['Upload-Offset', 'Upload-Complete', 'Upload-Length', 'Repr-Digest']).toContain(
          piece.error,
        );
        return;
      }
      const { offsetBytes, whole } = piece.value;
      expect(Number.isSafeInteger(offsetBytes) && offsetBytes >= 0).toBe(true);
      if (whole === null) return;
      expect(whole.sizeBytes).toBeGreaterThanOrEqual(offsetBytes);
      expect(whole.sha256).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  test('a path that is a route is written in its one form, and no name leaves its folder', () => {
    const targets = fc.oneof(
      fc
        .constantFrom(0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
        .chain((n) => mutatedText(fc.constant(rights[n]?.path ?? ''))),
      hostileText,
    );
    return holds(
      'paths',
      { usual: 2_000 },
      fc.tuple(fc.constantFrom('GET', 'PATCH', 'HEAD', '\u0000'), targets),
      ([method, target]) => {
        const route = parseByteRoute(method, target);
        expect(allowedMethods(target)).toMatch(/^[A-Z, ]*$/);
        if (!route.ok) return expect([404, 405]).toContain(route.error.status);
        expect(target).toMatch(/^\/v1\/[A-Za-z0-9._/-]+$/);
        expect(target).not.toMatch(/\/\.|\/\/|%/);
        return undefined;
      },
    );
  });

  test('a ticket is 16 letters, and a tag matches itself only', () =>
    holds(
      'tickets and tags',
      { usual: 2_000 },
      mutatedText(fc.constantFrom('Bearer abcdefghijklmnop', '"tag"', 'W/"tag", "x"')),
      (text) => {
        const ticket = ticketOf(text);
        if (ticket !== null) expect(text.toLowerCase()).toBe(`bearer ${ticket}`);
        if (matches(text, '"tag"')) expect(text).toMatch(/"tag"|^\s*\*\s*$/);
      },
    ));
});

function digest(text: string): string {
  return `sha-256=:${Buffer.from(sha256Of(Buffer.from(text)), 'hex').toString('base64')}:`;
}
