import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Clock, systemClock } from '@podctl/platform/clock.ts';
import { Agent as HttpAgent } from 'undici';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { OpenaiEndpoint } from './openai-endpoint.ts';
import { OpenaiEngine } from './openai-engine.ts';

const AUDIO = fileURLToPath(
  new URL('../../../../examples/sample/the-clockmakers/clock-01.mp3', import.meta.url),
);
const SCRIPT = fileURLToPath(new URL('../../engines/audio_conversion.py', import.meta.url));
const HEARD = { language: 'english', duration: 33.4, segments: [{ start: 0, end: 2, text: 'Hi' }] };
const SECRET = 'hunter2token';
const never = new AbortController().signal;
const ignore = () => undefined;

interface Seen {
  readonly url: string;
  readonly authorization: string | undefined;
  readonly body: string;
}
type Answer = (response: ServerResponse, seen: Seen) => void;

let folder: string;
let server: Server;
let url: string;
let dispatcher: HttpAgent;
/** One for each request, the last one for all that follow. */
let answers: Answer[];
let seen: Seen[];
let rests: number;
/** What it waited; the time passes at once. */
let waits: number[];
let nowMs: number;
let during: () => Promise<void>;
const ignoreAsync = async () => undefined;
const clock: Clock = {
  wallMs: () => nowMs,
  monotonicMs: () => nowMs,
  sleep: async (ms, signal) => {
    waits.push(ms);
    await during();
    signal.throwIfAborted();
    nowMs += ms;
  },
};
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-openai-'));
  answers = [json(200, HEARD)];
  [seen, rests] = [[], 0];
  [waits, nowMs, during] = [[], 0, ignoreAsync];
  dispatcher = new HttpAgent();
  server = createServer((request, response) => void answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
});
afterEach(async () => {
  await dispatcher.destroy();
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString('latin1');
  const one = { url: request.url ?? '', authorization: request.headers.authorization, body };
  seen.push(one);
  answers[Math.min(seen.length, answers.length) - 1]?.(response, one);
}

function json(status: number, value: unknown, headers: Record<string, string> = {}): Answer {
  return (response) => void response.writeHead(status, headers).end(JSON.stringify(value));
}

async function made({
  tokenFile = null as string | null,
  uploadBytesMax = 25e6,
  timeoutMs = 60_000,
} = {}) {
  const endpoint = new OpenaiEndpoint({
    ...{ url, tokenFile, timeoutMs, uploadBytesMax, dispatcher, clock, random: () => 0.5 },
    resting: () => {
      rests += 1;
    },
  });
  const python = { python: testPython(), script: SCRIPT, env: process.env, lockFd: null };
  const engine = new OpenaiEngine({
    ...{ endpoint, modelDefault: 'whisper-1', uploadBytesMax, folder, said: ignore },
    converter: { ...python, clock: systemClock },
  });
  await engine.load('whisper-1', never);
  return { engine, hear: (more = {}) => hear(engine, more) };
}

function hear(
  engine: OpenaiEngine,
  { signal = never, ...more }: { signal?: AbortSignal; prompt?: string; language?: string } = {},
) {
  return engine.transcribe({ audioPath: AUDIO, language: null, ...more }, ignore, signal);
}

test('the server is told what OpenAI’s is, with the token of a file, and its language’s name is a code', async () => {
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, `${SECRET}\n`);
  const { hear } = await made({ tokenFile });
  const heard = await hear({ prompt: 'Names', language: 'en' });
  expect(heard).toMatchObject({
    ok: true,
    value: { language: 'en', durationSeconds: 33.4, segments: [{ text: 'Hi' }] },
  });
  const [{ url: path, authorization, body } = { url: '', authorization: '', body: '' }] = seen;
  expect(path).toBe('/v1/audio/transcriptions');
  expect(authorization).toBe(`Bearer ${SECRET}`);
  const field = (name: string, value: string) => `name="${name}"\r\n\r\n${value}\r\n`;
  expect(body).toContain(field('model', 'whisper-1'));
  expect(body).toContain(field('response_format', 'verbose_json'));
  expect(body).toContain(field('timestamp_granularities[]', 'word'));
  expect(body).toContain(field('prompt', 'Names'));
  expect(body).toContain(field('language', 'en'));
  expect(body).toContain('name="file"; filename="clock-01.mp3"');
});

test('no word of the token gets out, whatever the server says', async () => {
  const tokenFile = join(folder, 'token');
  await writeFile(tokenFile, SECRET);
  const words = {
    error: { message: `Bad key ${SECRET} of sk-${SECRET}, see https://x/?key=${SECRET}` },
  };
  const cut = { error: `${'x'.repeat(192)} ${SECRET}` };
  answers = [json(400, words), json(401, words), json(400, cut)];
  const { hear } = await made({ tokenFile });
  for (const code of ['bad_request', 'endpoint_refused', 'bad_request']) {
    const heard = await hear();
    expect(heard).toMatchObject({ ok: false, error: { code } });
    expect(JSON.stringify(heard)).not.toContain('hunter2');
  }
  await writeFile(tokenFile, 'two words');
  const unread = await hear();
  expect(unread).toMatchObject({
    error: { code: 'endpoint_refused', message: expect.stringContaining('holds no token') },
  });
});

test('a server that asks for patience is left alone by every slot, and asked again when its time is over', async () => {
  answers = [json(429, {}, { 'retry-after': '20' }), json(200, HEARD)];
  const { engine, hear } = await made();
  during = async () => {
    expect(engine.restMs).toBe(20_000);
    const other = await engine.load('whisper-1', never);
    expect(other).toMatchObject({ error: { code: 'endpoint_busy', retryAfterMs: 20_000 } });
  };
  expect(await hear()).toMatchObject({ ok: true });
  expect({ rests, waits, restMs: engine.restMs }).toEqual({ rests: 1, waits: [20_000], restMs: 0 });
});

test('a longer time than a job may wait sends the job back with it', async () => {
  answers = [json(429, { error: { message: 'Quota.' } }, { 'retry-after': '600' })];
  const { engine, hear } = await made();
  const error = { code: 'endpoint_busy', retryAfterMs: 600_000 };
  expect(await hear()).toMatchObject({ ok: false, error });
  expect({ waits, restMs: engine.restMs }).toEqual({ waits: [], restMs: 600_000 });
});

test('an error of the server’s is tried again, longer apart, four times at the most, and rests nobody', async () => {
  const broken: Answer = (response) => void response.destroy();
  answers = [json(500, {}), broken, json(502, {}), json(200, HEARD)];
  const { hear } = await made();
  expect(await hear()).toMatchObject({ ok: true });
  expect(waits).toEqual([1_000, 2_000, 4_000]);
  answers = [json(500, { detail: 'It crashed' })];
  const failed = { code: 'endpoint_failed', message: `${url} failed with 500 (It crashed).` };
  expect(await hear()).toMatchObject({ ok: false, error: failed });
  expect({ asked: seen.length, rests }).toEqual({ asked: 8, rests: 0 });
});

test('a server that is not there costs no episode a try, and is asked again later each time', async () => {
  const { engine, hear } = await made();
  server.close();
  await once(server, 'close');
  const rested: number[] = [];
  for (let i = 0; i < 3; i += 1) {
    expect(await hear()).toMatchObject({ ok: false, error: { code: 'endpoint_unreachable' } });
    rested.push(engine.restMs);
    nowMs += engine.restMs;
  }
  expect(rested).toEqual(rested.toSorted((a, b) => a - b));
  expect(rests).toBeGreaterThan(0);
});

test('an answer that does not come in its time is a failure', async () => {
  answers = [() => undefined, (response) => void response.writeHead(200).write('{')];
  const { hear } = await made({ timeoutMs: 200 });
  for (const part of ['nothing', 'a begun body'])
    expect(await hear(), part).toMatchObject({ ok: false, error: { code: 'endpoint_slow' } });
});

test('called off while it waits to ask again, it ends at once', async () => {
  answers = [json(500, {})];
  const cancel = new AbortController();
  during = async () => cancel.abort();
  const { hear } = await made();
  expect(await hear({ signal: cancel.signal })).toMatchObject({ error: { code: 'cancelled' } });
  expect(seen).toHaveLength(1);
});

test('a model that gives no times is asked for its text alone, and another answer is no transcript', async () => {
  const words = "response_format 'verbose_json' is not compatible with model 'gpt-4o-transcribe'";
  answers = [
    json(400, { error: { message: words } }),
    json(200, { text: 'Hi there.' }),
    json(200, {}),
  ];
  const { hear } = await made();
  expect(await hear()).toMatchObject({
    ok: true,
    value: { segments: [{ start: 0, text: 'Hi there.' }], language: null },
  });
  expect(seen[1]?.body).toContain('name="response_format"\r\n\r\njson\r\n');
  expect(await hear()).toMatchObject({ ok: false, error: { code: 'engine_babble' } });
});

test('audio larger than the server takes is sent as Opus, or told to be too large', async () => {
  const { hear } = await made({ uploadBytesMax: 120_000 });
  expect(await hear()).toMatchObject({ ok: true });
  expect(seen[0]?.body).toContain('filename="audio.ogg"');
  expect(seen[0]?.body).toContain('OpusHead');
  const { hear: hearNone } = await made({ uploadBytesMax: 50_000 });
  expect(await hearNone()).toMatchObject({
    error: { code: 'audio_too_large', message: expect.stringContaining('uploadMax is 50000') },
  });
  expect(seen).toHaveLength(1);
});
