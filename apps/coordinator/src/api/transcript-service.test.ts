import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { AgentId, ClusterId, FeedId, SessionId, Token } from '@podctl/domain/ids.ts';
import { encodeManifest } from '@podctl/domain/manifest.ts';
import { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  apiBundle,
  ask,
  cleanUp,
  failure,
  reader,
} from '../../../../test/support/api-bundle.ts';
import { episodeOf } from '../../../../test/support/hand-built-fleet.ts';
import { dead, done, held } from '../../../../test/support/stage-change.ts';
import { lockId } from '../core/snapshot.ts';

const alpha = 'alpha' as FeedId;
const gpu = 'gpu-1' as AgentId;

afterEach(cleanUp);

describe('GetTranscript', () => {
  async function transcribed(text: string | Uint8Array) {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const id = api.fleet.episode(alpha, 1, (state) =>
      done('transcribe')(done('download', 9)(state)),
    );
    const folder = `episodes/alpha/${id}/transcribe/r1-5`;
    await api.put(`${folder}/transcript.txt`, text);
    const file = (name: string) => ({
      path: `${folder}/${name}`,
      readablePath: name,
      sizeBytes: 1,
      sha256: 'ab',
    });
    api.fleet.files.set(lockId(alpha, id, 'transcribe'), [
      file('transcript.txt'),
      file('transcript.vtt'),
    ]);
    return { api, id };
  }

  async function read(api: ApiBundle, episodeId: string, format: TranscriptFormat = 0, run = 0) {
    const pieces: Uint8Array[] = [];
    for await (const { data } of api.transcripts.getTranscript({
      episodeId,
      format,
      run,
      publisher: false,
    }))
      pieces.push(data as Uint8Array);
    return pieces;
  }

  test('gives the accepted file byte for byte in pieces of 64 KiB at most', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_001 }, (_, n) => n % 251));
    const { api, id } = await transcribed(bytes);
    const pieces = await read(api, id.slice(0, 6));
    expect(Buffer.concat(pieces).equals(bytes)).toBe(true);
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(65_536);
  });

  test('gives the publisher’s own as it came where it is kept, and says how it is had where it is not', async () => {
    const { api, id } = await transcribed('ours');
    const folder = `episodes/alpha/${id}/download/r1-5`;
    const theirs = async () => {
      const pieces: Uint8Array[] = [];
      const asked = { episodeId: id, format: 0, run: 0, publisher: true } as const;
      for await (const { data } of api.transcripts.getTranscript(asked))
        pieces.push(data as Uint8Array);
      return Buffer.concat(pieces).toString();
    };
    const of = { readablePath: '', sizeBytes: 6, sha256: 'ab' };
    const audio = { path: `${folder}/audio.mp3`, ...of };
    api.fleet.files.set(lockId(alpha, id, 'download'), [audio]);
    const error = await failure(theirs());
    expect(error.code).toBe(status.NOT_FOUND);
    expect(error.details).toContain('--stage download');
    await api.put(`${folder}/publisher.srt`, 'theirs');
    const kept = { path: `${folder}/publisher.srt`, ...of };
    api.fleet.files.set(lockId(alpha, id, 'download'), [audio, kept]);
    expect(await theirs()).toBe('theirs');
  });

  test('gives nothing, and no error, for an episode without speech', async () => {
    const { api, id } = await transcribed('');
    expect(await read(api, id)).toEqual([]);
  });

  test('reads on only as fast as the caller takes it, and lets go of the file when the caller leaves', async () => {
    const { api, id } = await transcribed(Buffer.alloc(8 * 1_024 * 1_024));
    let source: { bytesRead?: number; destroyed: boolean } | null = null;
    const open = api.fleet.library.read.bind(api.fleet.library);
    api.fleet.library.read = async (path) => {
      const stream = await open(path);
      source = stream;
      return stream;
    };
    const call = api.transcripts.getTranscript({
      episodeId: id,
      format: 0,
      run: 0,
      publisher: false,
    });
    await reader(call)();
    const left = new Promise((resolve) => call.once('end', resolve).once('error', resolve));
    call.cancel();
    await left;
    await expect.poll(() => source?.destroyed).toBe(true);
    await expect.poll(() => api.calls).toEqual(['GetTranscript CANCELLED']);
    expect(api.bugs).toEqual([]);
  });

  test('says why there is none yet', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const session = api.fleet.agent(gpu);
    const whys = [
      [(state) => state, 'its audio is not downloaded yet'],
      [held('download', { agent: gpu, session }), 'its audio is being downloaded'],
      [dead('download', 'HTTP 404'), 'its download was given up: HTTP 404'],
      [done('download', 1), 'it is downloaded and waits for an agent'],
      [held('transcribe', { agent: gpu, session }), 'an agent transcribes it now and is at 0 %'],
      [dead('transcribe', 'no speech'), 'its transcription was given up: no speech'],
    ] satisfies [Parameters<typeof api.fleet.episode>[2], string][];
    for (const [n, [change, why]] of whys.entries()) {
      const id = api.fleet.episode(alpha, n, change);
      const error = await failure(read(api, id));
      expect(error.code).toBe(status.NOT_FOUND);
      expect(error.details).toContain(why);
    }
  });

  test('makes the forms that were not kept of the JSON that was', async () => {
    const { api, id } = await transcribed('kept');
    const words = [{ startSeconds: 1, endSeconds: 2, text: ' Tick.', probability: 1 }];
    const json = { segments: [{ startSeconds: 1, endSeconds: 2, text: 'Tick.', words }] };
    const path = `episodes/alpha/${id}/transcribe/r1-5/transcript.json`;
    await api.put(path, JSON.stringify({ format: 'podctl-transcript', version: 1, ...json }));
    const file = { path, readablePath: 'x', sizeBytes: 1, sha256: 'ab' };
    api.fleet.files.set(lockId(alpha, id, 'transcribe'), [file]);
    const facts = { feedTitle: 'The Show', title: 'A *star*', guid: null, publishedMs: 0 };
    const of = { key: 'k', url: 'http://127.0.0.1/x', durationSecondsEstimate: null };
    const link = 'https://ann:pw@show.test/1?token=t';
    api.fleet.metas.set(id, { ...facts, ...of, link });
    const text = async (format: TranscriptFormat) =>
      Buffer.concat(await read(api, id, format)).toString();
    expect(await text(TranscriptFormat.TXT)).toBe('Tick.\n');
    expect(await text(TranscriptFormat.SRT)).toContain('00:00:01,000 --> 00:00:02,000\nTick.');
    const markdown = await text(TranscriptFormat.MD);
    expect(markdown).toContain('# A \\*star\\*\n\n*The Show, 1970-01-01*\n\n<https://show.test/1>');
    expect(markdown).toMatch(/\n\*\*0:00:01\*\* Tick\.\n$/);
    expect(markdown).not.toMatch(/pw|token/);
  });

  test('says that it was purged with its feed, be that removed or back', async () => {
    const { api, id } = await transcribed('text');
    api.fleet.episode(alpha, 1, (state) => {
      const { transcribe } = state.stages;
      if (transcribe.done === null) throw new Error('it is not done');
      const purged = {
        ...transcribe,
        wanted: 2,
        done: { ...transcribe.done, purged: true },
      } as const;
      return { ...state, stages: { ...state.stages, transcribe: purged } };
    });
    const back = await failure(read(api, id));
    expect(back.message).toContain('has no transcript since its feed was purged');
    api.fleet.feed(alpha, { removed: true });
    const gone = await failure(read(api, id));
    expect(gone.message).toContain('its feed alpha was removed and purged');
  });

  test('says so when the format was not kept, when it is none, and when the file is gone', async () => {
    const { api, id } = await transcribed('text');
    const kept = await failure(read(api, id, TranscriptFormat.SRT));
    expect([kept.code, kept.details]).toEqual([
      status.NOT_FOUND,
      `the transcript of ${id} was not kept as srt: ask for another format`,
    ]);
    expect((await failure(read(api, id, 9 as TranscriptFormat))).code).toBe(
      status.INVALID_ARGUMENT,
    );
    const gone = await failure(read(api, id, TranscriptFormat.VTT));
    expect(gone.code).toBe(status.NOT_FOUND);
    expect(gone.details).toContain('the library does not have it any more');
  });
});

describe('versions of a transcript', () => {
  /** A run as it lies in the library. */
  async function accepted(api: ApiBundle, run: number, token: number, model: string) {
    const id = episodeOf(alpha, 1);
    const folder = `episodes/alpha/${id}/transcribe/r${run}-${token}`;
    const text = `Heard by ${model}.\n`;
    const sha256 = createHash('sha256').update(text).digest('hex');
    await api.put(`${folder}/transcript.txt`, text);
    const manifest = encodeManifest({
      ...{ version: 1, cluster: 'c'.repeat(16) as ClusterId, feed: alpha, episode: id },
      ...{ stage: 'transcribe', run, token: token as Token, agent: gpu, session: 3 as SessionId },
      files: [{ name: 'transcript.txt', sizeBytes: text.length, sha256 }],
      audioSeconds: 60,
      details: {
        ...{ engine: 'faster-whisper 1.2.1', model, modelRevision: 'ab', language: 'en' },
        ...{ segments: 3, finishedAtMs: Date.UTC(2026, 0, run), quality: run === 2 ? 0.9 : null },
      },
    });
    await api.put(`${folder}/manifest.json`, manifest);
    return { path: `${folder}/transcript.txt`, readablePath: 'x', sizeBytes: 1, sha256 };
  }

  async function twice() {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const id = api.fleet.episode(alpha, 1, (state) => {
      const one = done('transcribe')(done('download', 9)(state));
      const { transcribe } = one.stages;
      if (transcribe.done === null) throw new Error('it is done');
      const newest = { ...transcribe.done, run: 2, token: 9 as Token };
      return { ...one, stages: { ...one.stages, transcribe: { ...transcribe, done: newest } } };
    });
    await accepted(api, 1, 5, 'tiny.en');
    api.fleet.files.set(lockId(alpha, id, 'transcribe'), [await accepted(api, 2, 9, 'large-v3')]);
    // Being published: no manifest yet. Not of podctl: no run.
    await api.put(`episodes/alpha/${id}/transcribe/r3-12/transcript.txt`, 'half');
    await api.put(`episodes/alpha/${id}/transcribe/notes/manifest.json`, '{}');
    return { api, id };
  }

  const versionsOf = (api: ApiBundle, episodeId: string) =>
    ask(api.transcripts.listTranscriptVersions.bind(api.transcripts), { episodeId });

  test('are listed, the newest first, with what they were made with and which one is current', async () => {
    const { api, id } = await twice();
    const { versions, episodeId } = await versionsOf(api, id.slice(0, 8));
    expect(episodeId).toBe(id);
    expect(versions).toMatchObject([
      { run: 2, token: 9n, current: true, model: 'large-v3', quality: 0.9, segments: 3 },
      { run: 1, token: 5n, current: false, model: 'tiny.en', agentId: gpu, language: 'en' },
    ]);
    expect(versions[1]?.finishedAt).toEqual(new Date('2026-01-01'));
    expect(versions[1]?.quality).toBeUndefined();
    expect(versions[1]?.files[0]?.path).toBe(`episodes/alpha/${id}/transcribe/r1-5/transcript.txt`);
  });

  test('are read by their run; without one, the current one is', async () => {
    const { api, id } = await twice();
    const read = async (run: number) => {
      const pieces: Uint8Array[] = [];
      for await (const { data } of api.transcripts.getTranscript({
        episodeId: id,
        format: 0,
        run,
        publisher: false,
      }))
        pieces.push(data as Uint8Array);
      return Buffer.concat(pieces).toString();
    };
    expect([await read(0), await read(1), await read(2)]).toEqual([
      ...['Heard by large-v3.\n', 'Heard by tiny.en.\n', 'Heard by large-v3.\n'],
    ]);
    const error = await failure(read(3));
    expect([error.code, error.details]).toEqual([
      status.NOT_FOUND,
      expect.stringContaining('no transcript of run 3'),
    ]);
  });

  test('of an episode that has none are none', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const id = api.fleet.episode(alpha, 1);
    expect((await versionsOf(api, id)).versions).toEqual([]);
  });
});
