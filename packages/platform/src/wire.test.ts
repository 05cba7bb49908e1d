import { FEED_LIMITS } from '@podctl/domain/feed/feed-document.ts';
import { httpUrl } from '@podctl/domain/feed/url.ts';
import { GPU_LIMITS, type Gpu } from '@podctl/domain/gpu.ts';
import {
  clusterId,
  episodeIdFrom,
  feedId,
  isSession,
  isToken,
  nonceFrom,
} from '@podctl/domain/ids.ts';
import type { HeartbeatMessage, JobToken } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { describe, expect, test } from 'vitest';
import {
  type Codec,
  commandMessage,
  heartbeatMessage,
  helloMessage,
  helloReply,
  MESSAGE_BYTES_MAX,
  resultMessage,
  resultReply,
  TOKENS_PER_MESSAGE_MAX,
} from './wire.ts';

const cluster = must(clusterId('abcdefghijklmnop'));
const session = revision(7, isSession);
const token = revision(Number.MAX_SAFE_INTEGER, isToken);
const job: JobToken = {
  feed: must(feedId('a'.repeat(48))),
  episode: episodeIdFrom(new Uint8Array(32)),
  stage: 'transcribe',
  run: 1,
  token,
};
const held = { cluster, session, job };
const ticket = nonceFrom(new Uint8Array(10));
const sha256 = 'a'.repeat(64);
const slots = { download: 4, transcribe: 1 };
const episode = { feedTitle: 'Alpha', title: 'Été — 日本', guid: null, publishedMs: -1 };

describe('every message survives its way over the wire', () => {
  test('hello and goodbye', () => {
    const who = { boot: 'b', host: 'h', version: '1', engine: 'e', slots };
    survives(helloMessage, { kind: 'hello', cluster: null, ...who });
    survives(helloMessage, { kind: 'hello', cluster, ...who });
    survives(helloMessage, { kind: 'goodbye', boot: 'b', cluster, session, finished: [job] });
  });

  test('replies to a hello', () => {
    const limits = { heartbeatMs: 5_000, lostAfterMs: 30_000, library: 'x' };
    survives(helloReply, { kind: 'welcome', cluster, session, ...limits });
    survives(helloReply, { kind: 'farewell' });
    survives(helloReply, { kind: 'refused', reason: 'no', final: true });
  });

  test('commands', () => {
    const url = 'http://127.0.0.1/a.mp3';
    survives(commandMessage, {
      kind: 'start',
      ...held,
      work: { kind: 'download', url, episode },
      ticket,
    });
    const offered = [{ url: 'http://127.0.0.1/a.vtt', type: 'text/vtt', language: null }];
    const offering = { kind: 'download', url, episode, transcripts: offered } as const;
    survives(commandMessage, { kind: 'start', ...held, work: offering, ticket });
    const audio = { audioPath: 'a/b.mp3', audioSha256: sha256, audioSeconds: 1.5 };
    const work = { kind: 'transcribe', ...audio, model: 'tiny.en', language: null } as const;
    survives(commandMessage, { kind: 'start', ...held, work, ticket });
    const kept = { path: 'a/publisher.vtt', sha256, sizeBytes: 1, url: null, language: 'en' };
    survives(commandMessage, {
      kind: 'start',
      ...held,
      work: { ...work, publisher: kept },
      ticket,
    });
    const words = { prompt: 'Aalto', hotwords: 'Kotka' };
    const languageProbe = { offsetSeconds: 60, confidenceMin: 0.5 };
    const more = { ...work, ...words, qualityMin: 0.4, languageProbe };
    survives(commandMessage, { kind: 'start', ...held, work: more, ticket });
    survives(commandMessage, { kind: 'cancel', ...held, reason: 'so' });
    survives(commandMessage, { kind: 'superseded', session });
    survives(commandMessage, { kind: 'rehello', session });
    survives(commandMessage, { kind: 'ping', boot: 'b' });
  });

  test('results and verdicts', () => {
    const from = { boot: 'b', ...held };
    survives(resultMessage, { ...from, outcome: { kind: 'finished', manifestSha256: sha256 } });
    const why = { code: 'http_429', reason: 'busy', retryAfterMs: 1, final: false, returned: true };
    survives(resultMessage, { ...from, outcome: { kind: 'failed', ...why } });
    survives(resultReply, { kind: 'verdict', answer: 'accepted' });
    survives(resultReply, { kind: 'later', reason: 'no leader' });
  });

  test('a heartbeat of as many tokens as may be sent', () => {
    survives(heartbeatMessage, heartbeatOf(TOKENS_PER_MESSAGE_MAX));
  });

  test('a heartbeat of as many tokens and GPUs as may be sent, with the longest names', () => {
    const gpu: Gpu = {
      index: GPU_LIMITS.indexMax,
      uuid: '日'.repeat(GPU_LIMITS.uuidLengthMax),
      product: '日'.repeat(GPU_LIMITS.productLengthMax),
      driver: '日'.repeat(GPU_LIMITS.driverLengthMax),
      backend: '日'.repeat(GPU_LIMITS.backendLengthMax),
      memorySizeBytes: GPU_LIMITS.memoryBytesMax / 3,
      memoryUsedBytes: GPU_LIMITS.memoryBytesMax / 7,
      utilizationRatio: 1 / 3,
      temperatureCelsius: -200 / 3,
      powerWatts: 20_000 / 3,
    };
    const gpus = Array.from({ length: GPU_LIMITS.gpusMax }, () => gpu);
    const beat = { ...heartbeatOf(TOKENS_PER_MESSAGE_MAX), gpus, gpuProblem: null };
    survives(heartbeatMessage, beat);
    const oneMore = Buffer.from(JSON.stringify({ ...beat, gpus: [...gpus, gpu] }));
    expect(heartbeatMessage.decode(oneMore).ok).toBe(false);
    survives(heartbeatMessage, { ...heartbeatOf(1), gpus: [], gpuProblem: 'no driver' });
    survives(heartbeatMessage, { ...heartbeatOf(1), engineChoice: 'tiny.en on GPU 0' });
  });
});

describe('what does not fit is refused with a sentence', () => {
  test('bytes that are no JSON, or JSON of another form', () => {
    expect(helloReply.decode(Uint8Array.of(0xff, 0xfe))).toEqual({
      ok: false,
      error: 'the reply to a hello is not JSON in UTF-8',
    });
    for (const text of ['null', '[]', '{}', '{"kind":"nothing"}', '"welcome"'])
      expect(helloReply.decode(Buffer.from(text)).ok).toBe(false);
  });

  test('ids that are none, naming the field', () => {
    const cancel = { kind: 'cancel', ...held, reason: 'so' };
    const wrong = { ...cancel, job: { ...job, feed: '../etc' } };
    const decoded = commandMessage.decode(Buffer.from(JSON.stringify(wrong)));
    expect(decoded).toMatchObject({ ok: false, error: expect.stringContaining('job.feed') });
    for (const bad of [0, -1, 1.5, 2 ** 53, '7', null])
      expect(
        commandMessage.decode(Buffer.from(JSON.stringify({ ...cancel, session: bad }))).ok,
      ).toBe(false);
  });

  test('messages over the limit, in both directions', () => {
    const reason = 'x'.repeat(MESSAGE_BYTES_MAX);
    expect(resultReply.encode({ kind: 'later', reason }).ok).toBe(false);
    const data = Buffer.from(JSON.stringify({ kind: 'later', reason }));
    expect(resultReply.decode(data).ok).toBe(false);
    const many = heartbeatOf(TOKENS_PER_MESSAGE_MAX + 1);
    expect(heartbeatMessage.decode(Buffer.from(JSON.stringify(many))).ok).toBe(false);
  });

  test('what the other end would not read, already where it is sent', () => {
    const start = (text: string, url: string) => {
      const of = { feedTitle: text, title: text, guid: text, publishedMs: null };
      const work = { kind: 'download', url, episode: of } as const;
      return { kind: 'start', ...held, work, ticket } as const;
    };
    const text = '日'.repeat(FEED_LIMITS.textLengthMax);
    const url = httpUrl(`http://127.0.0.1/${'日'.repeat(4_000)}`, null);
    invariant(url !== null, 'a URL that a feed may have');
    survives(commandMessage, start(text, url.href));
    expect(commandMessage.encode(start(`${text}.`, url.href))).toMatchObject({
      ok: false,
      error: expect.stringContaining('work.episode.feedTitle'),
    });
  });

  test('but fields that a newer sender adds are passed over', () => {
    const data = Buffer.from('{"kind":"verdict","answer":"noted","since":2}');
    expect(resultReply.decode(data)).toEqual({
      ok: true,
      value: { kind: 'verdict', answer: 'noted' },
    });
  });
});

function survives<T>(codec: Codec<T>, message: T): void {
  const encoded = codec.encode(message);
  invariant(encoded.ok, 'it can be sent');
  expect(codec.decode(encoded.value)).toEqual({ ok: true, value: message });
}

function heartbeatOf(count: number): HeartbeatMessage {
  const report = { ...job, phase: 'unsettled', progress: 0.123456789 } as const;
  const tokens = Array.from({ length: count }, () => report);
  return { boot: 'b', cluster, session, sequence: 1, tokens, engine: 'e', problem: null };
}

function must<T>(result: { ok: true; value: T } | { ok: false }): T {
  invariant(result.ok, 'a valid id');
  return result.value;
}

function revision<T extends number>(n: number, is: (n: number) => n is T): T {
  invariant(is(n), 'a revision');
  return n;
}
