import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentId } from '@podctl/domain/ids.ts';
import { invariant, ok } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { job, sessionOf, ticket, world } from '../core/machine-example.ts';
import type { Engine } from './engine.ts';
import { MountedStore } from './mounted-store.ts';
import { transcribeWorker } from './transcribe.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const AUDIO = 'episodes/alpha/audio.mp3';

let folder: string;
let library: FileLibrary;
let sha256: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-transcribe-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  async function* source() {
    yield Buffer.from('sound');
  }
  sha256 = (await library.write(AUDIO, source(), new AbortController().signal)).sha256;
});
afterEach(() => rm(folder, { recursive: true }));

test('audio that is not the accepted one is not transcribed', async () => {
  const outcome = await transcribe(engine(null), { audioSha256: 'b'.repeat(64) });
  expect(outcome).toMatchObject({ kind: 'failed', code: 'audio_changed', final: false });
  expect(await library.list('staging', 10)).toEqual([]);
});

test('audio that is not there fails the job, and the library that is not there gives it back', async () => {
  const missing = await transcribe(engine(null), { audioPath: 'episodes/alpha/other.mp3' });
  expect(missing).toMatchObject({ kind: 'failed', code: 'library_missing', returned: false });
  await rm(join(library.root, 'library.json'));
  const offline = await transcribe(engine(null), { audioPath: 'episodes/alpha/other.mp3' });
  expect(offline).toMatchObject({ kind: 'failed', code: 'library_offline', returned: true });
});

test('silence is a transcript too, of an undetermined language', async () => {
  expect(await transcribe(engine(null))).toMatchObject({ kind: 'finished' });
  const names = (await library.list('staging', 10)).map(({ path }) => path.split('/').at(-1));
  expect(names).toContain('transcript.txt');
});

test.each([
  ['audio_unreadable', { final: true, returned: false }],
  ['model_missing', { final: false, returned: false, retryAfterMs: 60_000 }],
  ['out_of_memory', { final: false, returned: true, retryAfterMs: 60_000 }],
  ['device_failed', { final: false, returned: false, retryAfterMs: null }],
  ['cancelled', { returned: true }],
] as const)('the engine’s %s is passed on as what it means for the job', async (code, means) => {
  const outcome = await transcribe(engine({ code, message: 'So it is.' }));
  expect(outcome).toMatchObject({ kind: 'failed', reason: 'So it is.', ...means });
});

test('memory that did not suffice costs the episode nothing while there is something smaller to try', async () => {
  const why = { code: 'out_of_memory', message: 'So it is.', smallerNext: true } as const;
  const back = { kind: 'failed', returned: true, retryAfterMs: 0, reason: 'So it is.' };
  expect(await transcribe(engine(why))).toMatchObject(back);
});

test('audio that is not as it was accepted any more is given back, not judged unreadable', async () => {
  const unreadable = { code: 'audio_unreadable', message: 'So it is.' } as const;
  const back = { kind: 'failed', code: 'audio_unreadable', final: false, returned: true };
  const lost = engine(unreadable, () => rm(join(library.root, AUDIO)));
  expect(await transcribe(lost)).toMatchObject(back);
  await writeFile(join(library.root, AUDIO), 'sound');
  const damaged = engine(unreadable, () => writeFile(join(library.root, AUDIO), 'noise'));
  expect(await transcribe(damaged)).toMatchObject(back);
});

test('audio that was decoded to a part of it only is a failure, not a short transcript', async () => {
  expect(await transcribe(engine(null), { audioSeconds: 60 })).toMatchObject({
    kind: 'failed',
    code: 'audio_short',
    final: false,
    returned: false,
  });
  // The engine hears one second.
  expect(await transcribe(engine(null), { audioSeconds: 5.9 })).toMatchObject({ kind: 'finished' });
});

/** Hears nothing, or fails. */
function engine(failure: EngineFailure | null, meanwhile = async () => {}): Engine {
  const model = { model: 'm', revision: 'r', device: 'cpu', computeType: 'int8', note: null };
  const heard = { language: null, languageProbability: null, durationSeconds: 1 };
  return {
    describe: () => 'silence',
    capabilities: WHISPER_CAPABILITIES,
    load: async () => ok({ engine: 'silence', engineVersion: '1', ...model }),
    transcribe: async () => {
      await meanwhile();
      return failure === null
        ? ok({ segments: [], speechSeconds: 0, elapsedMs: 1, ...heard })
        : { ok: false, error: failure };
    },
    stop: async () => undefined,
  };
}

function transcribe(
  by: Engine,
  changes: { audioPath?: string; audioSha256?: string; audioSeconds?: number } = {},
) {
  const worker = transcribeWorker({
    store: new MountedStore(library, agent, 0),
    engines: [by],
    clock: systemClock,
    agent,
    transcribed: () => undefined,
  });
  const rest = { audioSeconds: null, model: 'm', language: null };
  const work = {
    kind: 'transcribe',
    audioPath: AUDIO,
    audioSha256: sha256,
    ...rest,
    ...changes,
  } as const;
  const assignment: Assignment = {
    cluster: world,
    session: sessionOf(7),
    job: job('transcribe', 1, 5),
    work,
    ticket,
  };
  return worker(assignment, {
    signal: new AbortController().signal,
    progress: () => undefined,
    log: silentLog,
  });
}
