import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseUserToken } from '@podctl/domain/access.ts';
import { formatJoinToken, parseJoinToken } from '@podctl/domain/join-token.ts';
import type { Result } from '@podctl/domain/result.ts';
import { credentialRecord, joinTokenRecord, userRecord } from '@podctl/platform/access-records.ts';
import { readAgentCredential } from '@podctl/platform/agent-credential.ts';
import { issuedMessage, joinMessage } from '@podctl/platform/enrolment.ts';
import { orderMessage, orderReply } from '@podctl/platform/order-wire.ts';
import * as wire from '@podctl/platform/wire.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mutated } from './hostile-json.ts';
import { hostileText, isPlainSentence, mutatedText } from './hostile-text.ts';
import * as messages from './messages.ts';
import { holds, keepsWithin } from './runs.ts';

const decoder = new TextDecoder();
const EFFORT = { usual: 250 };

/** What a codec of messages and one of records have in common. */
interface Reader {
  readonly samples: readonly unknown[];
  readonly decode: (data: Uint8Array) => Result<unknown, string>;
  /** What was read, in bytes again; an error of a message that grew over the limit. */
  readonly encodeAgain: (value: never) => Result<Uint8Array, string>;
}

function message<T>(codec: wire.Codec<T>, samples: readonly unknown[]): Reader {
  return { samples, decode: codec.decode, encodeAgain: codec.encode };
}

function record<T>(
  codec: { encode(value: T): Uint8Array; decode(data: Uint8Array): Result<T, string> },
  samples: readonly unknown[],
): Reader {
  const encodeAgain = (value: T) => ({ ok: true, value: codec.encode(value) }) as const;
  return { samples, decode: codec.decode, encodeAgain };
}

const READERS: { readonly [name: string]: Reader } = {
  hello: message(wire.helloMessage, messages.HELLOS),
  'reply to a hello': message(wire.helloReply, messages.HELLO_REPLIES),
  heartbeat: message(wire.heartbeatMessage, messages.HEARTBEATS),
  command: message(wire.commandMessage, messages.COMMANDS),
  result: message(wire.resultMessage, messages.RESULTS),
  'log message': message(wire.logMessage, messages.LOGS),
  'reply to a result': message(wire.resultReply, messages.RESULT_REPLIES),
  order: message(orderMessage, messages.ORDERS),
  'reply to an order': message(orderReply, messages.ORDER_REPLIES),
  'join request': message(joinMessage, messages.JOINS),
  'issued credential': message(issuedMessage, messages.ISSUED),
  'record of a join token': record(joinTokenRecord, messages.JOIN_TOKEN_RECORDS),
  'record of a credential': record(credentialRecord, messages.CREDENTIAL_RECORDS),
  'record of a person': record(userRecord, messages.USER_RECORDS),
};

function isReadOrRefused(reader: Reader, data: Uint8Array): void {
  const read = reader.decode(data);
  if (!read.ok) {
    isPlainSentence(read.error, decoder.decode(data));
    return;
  }
  const again = reader.encodeAgain(read.value as never);
  if (!again.ok) {
    // A number may be longer as we write it than as it came.
    expect(again.error).toContain('bytes; at most');
    return;
  }
  const twice = reader.decode(again.value);
  expect(twice.ok ? JSON.stringify(twice.value) : twice.error).toBe(JSON.stringify(read.value));
  expect(Object.prototype).not.toHaveProperty('polluted');
  expect(Reflect.get(Object(read.value), 'polluted')).toBeUndefined();
}

describe('whatever bytes come as', () => {
  test.each(Object.entries(READERS))(
    '%s, they are read the same twice or refused in one plain sentence',
    (name, reader) => {
      for (const sample of reader.samples)
        expect(reader.decode(Buffer.from(JSON.stringify(sample)))).toMatchObject({ ok: true });
      return holds(name, EFFORT, mutated(reader.samples), (data) => isReadOrRefused(reader, data));
    },
  );

  test('file of a credential, it is read or refused without a value of it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-fuzz-'));
    const path = join(folder, 'credential.json');
    const { AGENT_CREDENTIALS: samples } = messages;
    await writeFile(path, JSON.stringify(samples[0]));
    expect(readAgentCredential(path)).toMatchObject({ ok: true, value: { agent: 'gpu-1' } });
    await holds(
      'file of a credential',
      { usual: 300, oneIn: 5 },
      mutated(samples),
      async (data) => {
        await writeFile(path, data);
        const read = readAgentCredential(path);
        if (read.ok) expect(read.value?.natsServers.length).toBeGreaterThan(0);
        else isPlainSentence(read.error, decoder.decode(data));
      },
    );
    await rm(folder, { recursive: true });
  });
});

const joinToken = formatJoinToken({
  url: 'https://head.example.org:4711',
  caSha256: '0123456789abcdef'.repeat(4),
  id: 'abcdefghij234567',
  secret: 'abcdefghijklmnopqrstuvwxyz234567',
});
const userToken = 'pu1.ann.abcdefghijklmnopqrstuvwxyz234567';

function tokens(valid: string) {
  return fc.oneof(
    {
      weight: 8,
      arbitrary: mutatedText(fc.constantFrom(valid, `${valid}.${valid}`, ` ${valid}\n`)),
    },
    { weight: 2, arbitrary: hostileText },
    { weight: 1, arbitrary: fc.nat(100_000).map((count) => valid.repeat(count / 100)) },
  );
}

describe('whatever is pasted as', () => {
  test('a join token, it is one that is written back the same, or refused without a word of it', () =>
    holds('join token', { usual: 2_000 }, tokens(joinToken), (text) => {
      const read = parseJoinToken(text);
      if (read.ok) {
        expect(parseJoinToken(formatJoinToken(read.value))).toEqual(read);
        return;
      }
      isPlainSentence(read.error, '');
      for (const part of joinToken.split('.').slice(1)) expect(read.error).not.toContain(part);
    }));

  test("a person's token, it has a name and a secret that make it again, or is none", () =>
    holds('bearer token', { usual: 2_000 }, tokens(userToken), (text) => {
      const read = parseUserToken(text);
      if (read !== null) expect(`pu1.${read.name}.${read.secret}`).toBe(text);
    }));
});

test('what was read leaves nothing behind', () =>
  keepsWithin(8, () =>
    holds(
      'every message in turn',
      { usual: 100, oneIn: 10 },
      mutated(messages.HEARTBEATS),
      (data) => {
        for (const reader of Object.values(READERS)) reader.decode(data);
      },
    ),
  ));
