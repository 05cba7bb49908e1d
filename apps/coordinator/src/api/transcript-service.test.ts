import { status } from '@grpc/grpc-js';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { TranscriptFormat } from '@podctl/proto/podctl/v1/transcript.ts';
import { afterEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  apiBundle,
  cleanUp,
  failure,
  reader,
} from '../../../../test/support/api-bundle.ts';
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

  async function read(api: ApiBundle, episodeId: string, format: TranscriptFormat = 0) {
    const pieces: Uint8Array[] = [];
    for await (const { data } of api.transcripts.getTranscript({ episodeId, format }))
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
    const call = api.transcripts.getTranscript({ episodeId: id, format: 0 });
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
