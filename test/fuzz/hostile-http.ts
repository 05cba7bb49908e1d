import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import fc, { type Arbitrary } from 'fast-check';
import { hostileText, mutatedText } from './hostile-text.ts';

/** A request as bytes, and how its sender behaves. */
export interface Sent {
  readonly bytes: Buffer;
  /** Where it pauses for a turn of the loop. */
  readonly pauseAt: number;
  /** `ends`: it takes the answer. `breaks`: it is gone at once. `waits`: it sends no more, and does not close. */
  readonly last: 'ends' | 'breaks' | 'waits';
}

/** Fields that a right request may have, each with right values. */
export type Fields = Readonly<Record<string, readonly string[]>>;

const DIGEST = `sha-256=:${'A'.repeat(43)}=:`;
export const FIELDS: Fields = {
  range: [
    'bytes=0-',
    'bytes=1-5',
    'bytes=999999999999999-',
    'bytes=5-1',
    'bytes=-5',
    'bytes=0-1,3-4',
  ],
  'content-range': ['bytes 0-1/5'],
  'if-match': ['*', '"x"'],
  'upload-offset': ['0', '5', '-1', '00', '1e3', '999999999999999', '0, 0'],
  'upload-complete': ['?0', '?1', '?2', 'true'],
  'upload-length': ['0', '5', '4096', '999999999999999', '9007199254740993'],
  'repr-digest': [DIGEST, `${DIGEST}, ${DIGEST}`, 'sha-256=:AAAA:', 'md5=:AAAA:'],
  'content-length': ['0', '5', '4096', '-1', '+5', '5, 5', '0x5', '1e9', '18446744073709551616'],
  'transfer-encoding': ['chunked', 'identity', 'chunked, chunked', 'xchunked', 'gzip, chunked'],
  expect: ['100-continue', 'nothing'],
  connection: ['close', 'keep-alive', 'upgrade'],
  upgrade: ['websocket', 'h2c'],
  'content-encoding': ['gzip'],
  'x-http-method-override': ['DELETE'],
};
const METHODS = [
  'GET',
  'HEAD',
  'PATCH',
  'POST',
  'PUT',
  'DELETE',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'get',
];
const DETOURS = [
  '/',
  '//',
  '/./',
  '/../',
  '/%2e%2e/',
  '/%2E/',
  '\\',
  '/%00',
  '?',
  '#',
  ';',
  '/v1/',
];

/** A request as a client of ours sends it. */
export interface Right {
  readonly method: string;
  readonly path: string;
  /** With what it is let in by. */
  readonly fields: readonly string[];
  readonly body: string;
}

type Spoil = (right: Right) => Right;

/** Right requests with something in them changed, and bytes that are none. */
export function requests(rights: readonly Right[]): Arbitrary<Sent> {
  const spoils = fc.array(spoil(rights.map(({ path }) => path)), { maxLength: 3 });
  const end = fc.oneof(
    { weight: 30, arbitrary: fc.constant('\r\n') },
    fc.constantFrom('\n', '\r', '\r\r\n'),
  );
  const whole = fc.tuple(fc.constantFrom(...rights), spoils, end).map(([right, some, crlf]) =>
    printed(
      some.reduce((now, change) => change(now), right),
      crlf,
    ),
  );
  return fc.record({
    bytes: fc.oneof(
      { weight: 12, arbitrary: whole },
      { weight: 1, arbitrary: fc.tuple(whole, whole).map((both) => Buffer.concat(both)) },
      {
        weight: 1,
        arbitrary: fc.tuple(whole, fc.nat(400)).map(([all, at]) => all.subarray(0, at)),
      },
      {
        weight: 1,
        arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      },
    ),
    pauseAt: fc.nat(500),
    last: fc.oneof(
      { weight: 60, arbitrary: fc.constant('ends') },
      { weight: 10, arbitrary: fc.constant('breaks') },
      { weight: 1, arbitrary: fc.constant('waits') },
    ),
  });
}

function printed({ method, path, fields, body }: Right, crlf: string): Buffer {
  return Buffer.from([`${method} ${path} HTTP/1.1`, 'host: x', ...fields, '', body].join(crlf));
}

function spoil(paths: readonly string[]): Arbitrary<Spoil> {
  const path = fc.oneof(
    { weight: 3, arbitrary: detoured(paths) },
    { weight: 2, arbitrary: mutatedText(fc.constantFrom(...paths)) },
    fc.constantFrom(
      '*',
      '',
      'http://x/v1/library',
      '//x/v1/library',
      'x:443',
      `/${'a'.repeat(9_000)}`,
    ),
  );
  const method = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...METHODS) }, hostileText);
  const body = fc.oneof(
    fc.constantFrom(
      '',
      'hell',
      'hello',
      'hello!',
      '5\r\nhello\r\n0\r\n\r\n',
      '-1\r\n',
      'x'.repeat(4_096),
    ),
    hostileText,
  );
  return fc.oneof(
    {
      weight: 1,
      arbitrary: method.map(
        (to): Spoil =>
          (right) => ({ ...right, method: to }),
      ),
    },
    {
      weight: 2,
      arbitrary: path.map(
        (to): Spoil =>
          (right) => ({ ...right, path: to }),
      ),
    },
    {
      weight: 2,
      arbitrary: body.map(
        (to): Spoil =>
          (right) => ({ ...right, body: to }),
      ),
    },
    {
      weight: 3,
      arbitrary: field.map(
        (line): Spoil =>
          (right) =>
            withField(right, line),
      ),
    },
    {
      weight: 1,
      arbitrary: fc.nat(5).map(
        (n): Spoil =>
          (right) => ({ ...right, fields: right.fields.filter((_, i) => i !== n) }),
      ),
    },
    {
      weight: 1,
      arbitrary: field.map(
        (line): Spoil =>
          (right) => ({ ...right, fields: [...right.fields, line] }),
      ),
    },
  );
}

/** In place of the one of its name, where there is one. */
function withField(right: Right, line: string): Right {
  const name = `${line.split(':')[0]}:`;
  return { ...right, fields: [...right.fields.filter((one) => !one.startsWith(name)), line] };
}

const known = fc
  .constantFrom(...Object.entries(FIELDS))
  .chain(([name, values]) => fc.constantFrom(...values).map((value) => `${name}: ${value}`));
const field = fc.oneof(
  { weight: 12, arbitrary: known },
  { weight: 1, arbitrary: fc.tuple(known, hostileText).map(([line, text]) => `${line}${text}`) },
  { weight: 1, arbitrary: hostileText },
  { weight: 1, arbitrary: fc.constantFrom(' folded', ': empty', 'host : y', 'x'.repeat(9_000)) },
);

function detoured(paths: readonly string[]): Arbitrary<string> {
  return fc
    .tuple(fc.constantFrom(...paths), fc.nat(60), fc.constantFrom(...DETOURS))
    .map(([path, at, detour]) => `${path.slice(0, at)}${detour}${path.slice(at)}`);
}

/**
 * Bytes whose end two readers may see at different places, with a request of its own in what may be the body. Whoever
 * answers that one can be made to answer what somebody behind a proxy never asked.
 */
export const smuggled: Arbitrary<Buffer> = fc
  .tuple(
    fc.constantFrom('POST', 'GET', 'PATCH', 'PUT'),
    fc.constantFrom(
      ['content-length: 4', 'transfer-encoding: chunked'],
      ['transfer-encoding: chunked', 'content-length: 4'],
      ['content-length: 0', 'content-length: 4'],
      ['content-length: 4', 'content-length: 0'],
      ['content-length: 0, 4'],
      ['content-length: +0'],
      ['content-length : 0'],
      ['content-length:\t0x0'],
      ['transfer-encoding: xchunked'],
      ['transfer-encoding: chunked, identity'],
      ['transfer-encoding : chunked'],
      ['transfer-encoding:\u000bchunked'],
      ['transfer-encoding: identity', 'content-length: 0'],
      ['transfer-encoding: chunked', 'transfer-encoding: identity'],
      ['x: y\rcontent-length: 0', 'transfer-encoding: chunked\r'],
    ),
    fc.constantFrom('0\r\n\r\n', '0;x\n\r\n', '1\r\nZ\r\n0\r\nx: y\r\n\r\n', ''),
  )
  .map(([method, fields, body]) =>
    Buffer.from(
      `${method} /v1/nothing HTTP/1.1\r\nhost: x\r\n${fields.join('\r\n')}\r\n\r\n${body}${INNER}`,
    ),
  );
const INNER = 'GET /v1/library HTTP/1.1\r\nhost: x\r\n\r\n';

const PATIENCE_MS = 150;
const WAIT_MS = 3_000;

/** What the server said until the connection was closed. `isCut` when the patience of its peer ended it, not the server. */
export function exchangeHttp(
  port: number,
  { bytes, pauseAt, last }: Sent,
): Promise<{ readonly said: string; readonly isCut: boolean }> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const parts: Buffer[] = [];
    let isCut = false;
    const cutIn = (ms: number) =>
      setTimeout(() => {
        isCut = true;
        socket.destroy();
      }, ms);
    let cut = cutIn(last === 'waits' ? WAIT_MS : PATIENCE_MS);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      parts.push(chunk);
      clearTimeout(cut);
      // Who was answered may stay for its next request.
      cut = cutIn(PATIENCE_MS);
    });
    socket.on('close', () => {
      clearTimeout(cut);
      resolve({ said: Buffer.concat(parts).toString('latin1'), isCut });
    });
    socket.write(bytes.subarray(0, pauseAt));
    setImmediate(() => {
      if (last === 'breaks') socket.resetAndDestroy();
      else if (last === 'waits') socket.write(bytes.subarray(pauseAt));
      else socket.end(bytes.subarray(pauseAt));
    });
  });
}

/** Open descriptors of this process. */
export async function descriptors(): Promise<number> {
  return (await readdir('/proc/self/fd')).length;
}
