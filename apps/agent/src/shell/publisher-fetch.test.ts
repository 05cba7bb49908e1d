import { readFile } from 'node:fs/promises';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { invariant } from '@podctl/domain/result.ts';
import { PUBLISHER_BYTES_MAX } from '@podctl/domain/transcript/publisher-reader.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { Dispatcher } from 'undici';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DownloadWorld } from '../../../../test/support/download-world.ts';

const VTT = 'WEBVTT\n\n00:01.000 --> 00:02.000\nThis is the clock of Leipzig: Grüße.\n';

let world: DownloadWorld;
beforeEach(async () => {
  world = await DownloadWorld.open();
  const { answers, audio } = world;
  answers['/good'] = (response) => response.end(audio);
  answers['/one.vtt'] = (response) => response.end(VTT);
  answers['/moved.vtt?token=secret'] = (response) =>
    response.writeHead(302, { location: '/one.vtt' }).end();
  answers['/page.json'] = (response) => response.end('<!doctype html><p>Not here');
  answers['/error.json'] = (response) => response.end('{"error":"no"}');
  answers['/busy.srt'] = (response) => response.writeHead(429).end();
  answers['/announced.vtt'] = (response) =>
    response.writeHead(200, { 'content-length': String(PUBLISHER_BYTES_MAX + 1) }).write('WEBVTT');
  answers['/endless.vtt'] = (response) => {
    response.write('WEBVTT\n\n');
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(500_000)));
    };
    response.on('drain', more);
    more();
  };
  answers['/inward.vtt'] = (response) =>
    response.writeHead(302, { location: 'http://10.1.2.3/x.vtt' }).end();
});
afterEach(() => world.close());

describe('a transcript of the publisher’s', () => {
  test('is kept beside the audio as it came, with where it is from and no secret', async () => {
    const { kind, files, details, outcomes } = await downloaded(['/moved.vtt?token=secret']);
    expect(kind).toBe('finished');
    expect(files).toEqual(['audio.mp3', 'metadata.json', 'publisher.vtt']);
    expect(await readFile(await world.place('publisher.vtt'), 'utf8')).toBe(VTT);
    expect(details).toMatchObject({ publisher: 'publisher.vtt', publisherLanguage: 'en' });
    expect(details.publisherUrl).toMatch(/moved.vtt/);
    expect(details.publisherUrl).not.toContain('secret');
    expect(outcomes).toEqual(['kept']);
  });

  test('is the next one where what comes first is a page, an error, or not there', async () => {
    const offers = ['/page.json', '/error.json', '/one.vtt'];
    expect((await downloaded(offers)).files).toContain('publisher.vtt');
    const { kind, files, details, outcomes } = await downloaded([...offers.slice(0, 2), '/none'], {
      token: 6,
    });
    expect(kind).toBe('finished');
    expect(files).toEqual(['audio.mp3', 'metadata.json']);
    const publisherFault = 'not_a_transcript not_a_transcript http_404';
    expect(details).toMatchObject({ publisher: null, publisherFault });
    expect(outcomes).toEqual(['failed']);
  });

  test.each(['/announced.vtt', '/endless.vtt'])(
    'that is too large (%s) is not taken, and the audio is',
    async (path) => {
      const { kind, details, files } = await downloaded([path]);
      expect(kind).toBe('finished');
      expect(files).not.toContain('publisher.vtt');
      expect(details.publisherFault).toBe('too_large');
    },
  );

  test('is asked for no more of a host that has enough of us', async () => {
    const { kind, details } = await downloaded(['/busy.srt', '/one.vtt']);
    expect(kind).toBe('finished');
    expect(details.publisherFault).toBe('http_429');
    expect(world.asked.map(({ url }) => url)).not.toContain('/one.vtt');
  });

  test('behind a redirect into a private network is not fetched', async () => {
    const closed = guardedAgent({
      allowPrivate: false,
      connectTimeoutMs: 5_000,
      connectionsMax: 1,
    });
    const dispatcher = new OnlyOwnHost(world.dispatcher, closed);
    const { kind, details } = await downloaded(['/inward.vtt'], { dispatcher });
    expect(kind).toBe('finished');
    expect(details.publisherFault).toBe('address_refused');
    await closed.destroy();
  });
});

/** The test's own host is on loopback: it alone is not guarded. */
class OnlyOwnHost extends Dispatcher {
  readonly #own: Dispatcher;
  readonly #guarded: Dispatcher;

  constructor(own: Dispatcher, guarded: Dispatcher) {
    super();
    this.#own = own;
    this.#guarded = guarded;
  }

  override dispatch(...[options, handler]: Parameters<Dispatcher['dispatch']>): boolean {
    const isOwn = String(options.origin).startsWith('http://127.0.0.1:');
    return (isOwn ? this.#own : this.#guarded).dispatch(options, handler);
  }
}

async function downloaded(
  transcripts: readonly string[],
  { token = 5, ...more }: { token?: number; dispatcher?: Dispatcher } = {},
) {
  const outcomes: string[] = [];
  const publisher = (outcome: string) => void outcomes.push(outcome);
  const { kind } = await world.download('/good', {
    transcripts,
    token,
    ports: { publisher, ...more },
  });
  const manifest = decodeManifest(await readFile(await world.place(MANIFEST_NAME), 'utf8'));
  invariant(manifest.ok, 'the manifest can be read');
  const { files, details } = manifest.value;
  return { kind, details, outcomes, files: files.map(({ name }) => name).sort() };
}
