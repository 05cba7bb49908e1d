import { type ClientHttp2Session, connect, constants } from 'node:http2';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import { agentId, feedId } from '@podctl/domain/ids.ts';
import { invariant, type Result } from '@podctl/domain/result.ts';
import fc, { type Arbitrary } from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { serviceDefinitions } from '../../apps/coordinator/src/api/grpc-server.ts';
import { type ApiBundle, all, apiBundle, ask, cleanUp } from '../support/api-bundle.ts';
import { bearer, callRaw, cleanUpSecure, type Outcome, secureApi } from '../support/secure-api.ts';
import { hostileMessage } from './hostile-protobuf.ts';
import { hostileText, isPlainSentence, mutatedText } from './hostile-text.ts';
import { envelope, exchange, FLAG, FRAME, frame, headerBlock, PREFACE } from './http2-frames.ts';
import { holds, keepsWithin, runsOf, triedMore } from './runs.ts';

const methods = serviceDefinitions.flatMap((service) => Object.values(service));
/** Codes that say what was wrong with the call; INTERNAL and UNKNOWN would say that something broke here. */
const BROKEN = [status.INTERNAL, status.UNKNOWN, status.UNAVAILABLE];

let api: ApiBundle;
let port: number;
let client: Client;

beforeAll(async () => {
  api = await apiBundle();
  api.fleet.feed(must(feedId('alpha')));
  api.fleet.agent(must(agentId('a1')));
  port = Number(api.address.split(':').at(-1));
  client = new Client(api.address, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await cleanUp();
});

function must<T>(parsed: Result<T, string>): T {
  invariant(parsed.ok, 'an id');
  return parsed.value;
}

/** On a connection of its own, as somebody who had no part in it. */
async function servesOthers(): Promise<void> {
  const { agents } = await ask(api.agents.listAgents.bind(api.agents), all);
  expect(agents.map((agent) => agent.agentId)).toEqual(['a1']);
  expect(api.bugs).toEqual([]);
}

function isAnsweredPlainly({ code, details }: Outcome, request: Buffer): void {
  if (code === status.OK) return;
  expect(
    BROKEN.map((one) => status[one]),
    details,
  ).not.toContain(status[code]);
  isPlainSentence(details, request.toString('utf8'));
  expect(api.bugs).toEqual([]);
}

describe('the gRPC API', () => {
  test('answers whatever message comes to any method, in one plain sentence, without breaking', async () => {
    const calls = fc.tuple(fc.constantFrom(...methods), hostileMessage);
    await holds('gRPC messages', { usual: 150, oneIn: 10 }, calls, async ([method, message]) => {
      isAnsweredPlainly(await quick(client, method, message), message);
    });
    await servesOthers();
  });

  test('answers messages over the limit, and goes on', async () => {
    const sizes = fc.tuple(fc.constantFrom(...methods), fc.constantFrom(5_000, 70_000, 1_200_000));
    await holds(
      'gRPC messages too large',
      { usual: 24, oneIn: 200 },
      sizes,
      async ([method, size]) => {
        const message = Buffer.alloc(size, 0x0a);
        isAnsweredPlainly(await quick(client, method, message), message);
      },
    );
    await servesOthers();
  });

  test('answers or ends what is not gRPC in HTTP/2, and goes on', async () => {
    await keepsWithin(16, () =>
      holds('HTTP/2 frames', { usual: 80, oneIn: 50 }, connections(), (bytes) =>
        exchange(port, bytes),
      ),
    );
    await servesOthers();
  });

  test('takes streams that are opened and reset at once, and goes on', async () => {
    const count = runsOf({ usual: 500, oneIn: 5 });
    await keepsWithin(16, async () => {
      for (let done = 0; done < count; done += 1_000)
        await resetStreams(Math.min(1_000, count - done));
    });
    triedMore('gRPC streams reset', count);
    await servesOthers();
  });
});

test('no token that was not given lets anybody in, and no answer repeats it', async () => {
  const secure = await secureApi();
  const { text } = secure.access.grant('ann', 'admin');
  const stranger = secure.connect();
  const [method] = methods;
  invariant(method !== undefined, 'there are methods');
  const printable = (said: string) => said.replace(/[^\x20-\x7e]/g, '').slice(0, 300);
  const tokens = mutatedText(fc.constantFrom(text, `${text} `, 'pu1.ann.')).map(printable);
  await holds('bearer tokens to gRPC', { usual: 80, oneIn: 50 }, tokens, async (token) => {
    if (token.trim() === text) return;
    const { code, details } = await callRaw(stranger, method, bearer(token));
    expect([status.UNAUTHENTICATED, status.RESOURCE_EXHAUSTED]).toContain(code);
    isPlainSentence(details, token);
    expect(details).not.toContain(text.slice(-32));
  });
  expect((await callRaw(stranger, method, bearer(text))).code).toBe(status.OK);
  expect(secure.bugs).toEqual([]);
  await cleanUpSecure();
});

test('whatever an admin sends to let somebody in or out, it is answered in one plain sentence, without breaking', async () => {
  const secure = await secureApi();
  const through = secure.connect();
  const toLetIn = methods.filter(({ path }) => path.includes('.AccessService/'));
  expect(toLetIn.length).toBeGreaterThan(5);
  // Each may ask a few hundred times in a short time.
  const admins = Array.from(
    { length: 40 },
    (_, n) => secure.access.grant(`boss-${n}`, 'admin').text,
  );
  const calls = fc.tuple(fc.constantFrom(...toLetIn), hostileMessage, fc.constantFrom(...admins));
  const effort = { usual: 80, oneIn: 50 };
  await holds('gRPC messages of an admin', effort, calls, async ([method, message, token]) => {
    isAnsweredPlainly(await callRaw(through, method, bearer(token), message), message);
  });
  expect(secure.bugs).toEqual([]);
  await cleanUpSecure();
});

/** Some of the calls wait, for a revision or as a stream: nobody waits with them here. */
function quick(
  through: Client,
  method: (typeof methods)[number],
  message: Buffer,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const same = (bytes: Buffer) => bytes;
    const options = { deadline: Date.now() + 250 };
    const metadata = new Metadata();
    const answered = () => resolve({ code: status.OK, details: '', metadata });
    if (!method.responseStream) {
      through.makeUnaryRequest(method.path, same, same, message, metadata, options, (error) =>
        error === null ? answered() : resolve(error),
      );
      return;
    }
    const call = through.makeServerStreamRequest(
      method.path,
      same,
      same,
      message,
      metadata,
      options,
    );
    call.on('error', resolve);
    call.on('end', answered);
    call.once('data', () => {
      answered();
      call.cancel();
    });
  });
}

/** What comes on one connection: a call with something wrong in it, or frames in any order. */
function connections(): Arbitrary<Buffer> {
  const path = fc.oneof(
    fc.constantFrom(...methods.map((method) => method.path), '/', '*', '', '/podctl.v1.No/Such'),
    hostileText,
  );
  const fields = fc
    .tuple(path, fc.array(fc.tuple(headerName, hostileText), { maxLength: 4 }), fc.nat(9))
    .map(([at, more, without]) =>
      headerBlock([...HEAD, [':path', at] as const, ...more].filter((_, i) => i !== without)),
    );
  const stream = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(1, 3, 5) },
    fc.constantFrom(0, 2, 2 ** 31 - 1),
  );
  const body = fc
    .tuple(
      hostileMessage,
      fc.constantFrom(0, 0, 1, 255),
      fc.option(fc.constantFrom(0, 1, 2 ** 31, 2 ** 32 - 1)),
    )
    .map(([message, flag, length]) =>
      envelope(message.subarray(0, 16_000), flag, length ?? message.length),
    );
  const any = fc
    .tuple(fc.nat(12), fc.nat(255), stream, fc.uint8Array({ maxLength: 60 }))
    .map(([type, flags, id, payload]) => frame(type, flags, id, Buffer.from(payload)));
  const one = fc.oneof(
    {
      weight: 4,
      arbitrary: fc
        .tuple(fields, stream)
        .map(([block, id]) => frame(FRAME.headers, FLAG.endHeaders, id, block)),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fields, stream).map(([block, id]) => frame(FRAME.headers, 0, id, block)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fields, stream)
        .map(([block, id]) => frame(FRAME.continuation, 0, id, block)),
    },
    {
      weight: 3,
      arbitrary: fc
        .tuple(body, stream, fc.boolean())
        .map(([bytes, id, last]) => frame(FRAME.data, last ? FLAG.endStream : 0, id, bytes)),
    },
    {
      weight: 1,
      arbitrary: stream.map((id) => frame(FRAME.reset, 0, id, Buffer.from([0, 0, 0, 8]))),
    },
    { weight: 2, arbitrary: any },
    {
      weight: 1,
      arbitrary: fc
        .nat(200)
        .map((count) =>
          Buffer.concat(
            Array.from({ length: count }, () =>
              frame(FRAME.settings, 0, 0, Buffer.from([0, 3, 0, 0, 0, 1])),
            ),
          ),
        ),
    },
  );
  const settings = frame(FRAME.settings, 0, 0, Buffer.alloc(0));
  const whole = fc
    .array(one, { maxLength: 8 })
    .map((frames) => Buffer.concat([PREFACE, settings, ...frames]));
  const cut = fc.tuple(whole, fc.nat(400)).map(([bytes, at]) => bytes.subarray(0, at));
  const garbage = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const http1 = hostileText.map((said) => Buffer.from(`GET ${said} HTTP/1.1\r\nhost: x\r\n\r\n`));
  return fc.oneof({ weight: 8, arbitrary: whole }, { weight: 2, arbitrary: cut }, garbage, http1);
}

const HEAD = [
  [':method', 'POST'],
  [':scheme', 'http'],
  [':authority', 'x'],
  ['content-type', 'application/grpc'],
  ['te', 'trailers'],
] as const;
const headerName = fc.oneof(
  fc.constantFrom(
    'authorization',
    'grpc-timeout',
    'grpc-encoding',
    'x-bin',
    'content-length',
    ':path',
  ),
  fc.constantFrom('connection', 'transfer-encoding', '__proto__', 'grpc-accept-encoding', 'Upper'),
  hostileText,
);

/** As in CVE-2023-44487. The server may end the connection: that is its defence. */
async function resetStreams(count: number): Promise<void> {
  const session: ClientHttp2Session = connect(`http://${api.address}`);
  session.on('error', () => undefined);
  const [method] = methods;
  for (let n = 0; n < count && !session.closed && !session.destroyed; n += 1) {
    const stream = session.request({ ...Object.fromEntries(HEAD), ':path': method?.path ?? '' });
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_CANCEL);
    if (n % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const closed = new Promise((resolve) => session.once('close', resolve));
  session.destroy();
  await closed;
}
