import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseCheckpointName } from '@podctl/domain/checkpoint-name.ts';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { decodeManifest } from '@podctl/domain/manifest.ts';
import { err, invariant, ok } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { holdsCheckpoints } from '../../../../test/support/checkpoint-conformance.ts';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { job, sessionOf, ticket, world } from '../core/machine-example.ts';
import type { RawSegment } from '../core/raw-transcript.ts';
import type { AttemptStore } from './attempt-store.ts';
import type { Engine } from './engine.ts';
import { MountedStore } from './mounted-store.ts';
import { transcribeWorker } from './transcribe.ts';

const AUDIO = 'episodes/alpha/audio.mp3';
const HALF_HOUR = 1_800;
const WINDOW = 120;
const never = new AbortController().signal;

let folder: string;
let library: FileLibrary;
let sha256: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-long-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  sha256 = (await library.write(AUDIO, bytesOf('sound'), never)).sha256;
});
afterEach(() => rm(folder, { recursive: true }));

describe('a long episode', () => {
  test('whose engine died is gone on with by another agent, and comes out as if it had been heard at once', async () => {
    const first = await transcribe(1, { at: diesAt(1_080), by: 'gpu1' });
    expect(first.outcome).toMatchObject({ kind: 'failed', code: 'engine_died' });
    const second = await transcribe(2, { by: 'gpu2' });
    expect(second.outcome).toMatchObject({ kind: 'finished' });
    const clean = await transcribe(3, { run: 2 });

    expect(first.heardSeconds + second.heardSeconds).toBe(clean.heardSeconds + WINDOW);
    expect(second.resumedAtSeconds).toBe(960);
    expect(second.progress[0]).toBeCloseTo(960 / HALF_HOUR);
    expect(second.said).toContain('It goes on at 16:00 of 30:00 (checkpoint of gpu1)');
    const [whole, resumed] = [await transcriptOf(3), await transcriptOf(2)];
    expect(resumed.segments).toEqual(whole.segments);
    expect(resumed.durationSeconds).toBe(HALF_HOUR);
    expect(whole.provenance.parts).toBeUndefined();
    expect(resumed.provenance.parts).toMatchObject([
      { agent: 'gpu1', fromSeconds: 0, toSeconds: 960 },
      { agent: 'gpu2', fromSeconds: 960, toSeconds: HALF_HOUR },
    ]);
    const { details, files } = await manifestOf(2);
    expect(details).toMatchObject({
      ...{ resumedAtSeconds: 960, resumedFrom: 'gpu1' },
      ...{ speechSeconds: HALF_HOUR, elapsedMs: HALF_HOUR, language: 'en' },
    });
    expect(files.map(({ name }) => parseCheckpointName(name))).not.toContainEqual(
      expect.anything(),
    );
  });

  test('that is lost again and again goes on each time, and every part has its agent', async () => {
    await transcribe(1, { at: diesAt(600), by: 'a1' });
    await transcribe(2, { at: diesAt(1_200), by: 'a2' });
    // Before its first checkpoint: the one of a2 counts.
    await transcribe(3, { at: diesAt(1_150), by: 'a3' });
    await transcribe(4, { by: 'a4' });
    const { provenance } = await transcriptOf(4);
    expect(provenance.parts.map(({ agent }) => agent)).toEqual(['a1', 'a2', 'a4']);
  });

  test('that is lost in its second pass goes on in that, and hears of the first the last window alone', async () => {
    const stop = new AbortController();
    const { store, kept } = keeping('gpu1');
    let windows = 0;
    const at = async () => {
      windows += 1;
      const inFirst = HALF_HOUR / WINDOW;
      // Behind each window but the last of a pass.
      await kept(windows - (windows > inFirst ? 2 : 1));
      if (windows <= inFirst + 9) return null;
      stop.abort('lost');
      return { code: 'cancelled', message: 'It was called off.' } as const;
    };
    const poor = { qualityMin: 0.4 };
    await transcribe(1, { ...poor, store, signal: stop.signal, at, by: 'gpu1' });
    const second = await transcribe(2, { ...poor, by: 'gpu2' });
    expect(second.outcome).toMatchObject({ kind: 'finished' });
    expect(second.said.filter((line) => line.startsWith('It goes on at'))).toEqual([
      'It goes on at 28:00 of 30:00 (checkpoint of gpu1)',
      'It goes on at 18:00 of 30:00 (checkpoint of gpu1)',
    ]);
    expect(second.heardSeconds).toBe(WINDOW + HALF_HOUR - 1_080);
    expect((await transcriptOf(2)).segments).toHaveLength(HALF_HOUR / WINDOW);
  });

  test.each([
    ['another run', { run: 2 }],
    ['another model', { model: 'other' }],
    ['other words to expect', { prompt: 'Chronometers' }],
  ])('is heard from its start for %s', async (_what, change) => {
    await transcribe(1, { at: diesAt(1_080) });
    expect((await transcribe(2, change)).heardSeconds).toBe(HALF_HOUR);
  });

  test('of which a checkpoint is torn is heard from its start, and a line says why', async () => {
    await transcribe(1, { at: diesAt(1_080) });
    for (const { path } of await library.list('staging', 100))
      await library.write(path, bytesOf('torn'), never);
    const { heardSeconds, said } = await transcribe(2);
    expect(heardSeconds).toBe(HALF_HOUR);
    expect(said).toContain('A checkpoint is not believed, and the audio is heard from its start');
  });

  test('comes out well where no checkpoint can be read or left', async () => {
    const store: AttemptStore = new MountedStore(library, nameOf('local'), 0);
    const no = () => Promise.reject(new LibraryError('io', 'not now'));
    store.checkpoints = () => ({ read: no, write: no });
    expect((await transcribe(1, { store })).outcome).toMatchObject({ kind: 'finished' });
    const { said } = await transcribe(2, { store, at: diesAt(1_080) });
    expect(said).toContain('No checkpoint could be read, and the audio is heard from its start');
    expect(said).toContain('A checkpoint could not be kept: a loss would cost more work');
  });

  test('called off leaves what was kept, and writes nothing afterwards', async () => {
    const stop = new AbortController();
    const at = (seconds: number) => {
      if (seconds > 700) stop.abort('off');
      return stop.signal.aborted
        ? ({ code: 'cancelled', message: 'It was called off.' } as const)
        : null;
    };
    const { outcome } = await transcribe(1, { signal: stop.signal, at });
    expect(outcome).toMatchObject({ kind: 'failed', returned: true });
    const there = (await library.list('staging', 100)).map(({ path }) => path.split('/').at(-1));
    expect(there.every((name = '') => parseCheckpointName(name) !== null)).toBe(true);
  });
});

test.each([
  ['is not longer than the limit', { audioSeconds: 1_200 }],
  ['is for an engine that hears only the whole', { parts: false }],
])('audio that %s leaves no checkpoint', async (_what, change) => {
  expect((await transcribe(1, change)).outcome).toMatchObject({ kind: 'finished' });
  const there = (await library.list('staging', 100)).map(({ path }) => path.split('/').at(-1));
  expect(there.some((name = '') => parseCheckpointName(name) !== null)).toBe(false);
});

test('checkpoints in a mounted library are found by every attempt at the run', async () => {
  const store = new MountedStore(library, nameOf('local'), 0);
  let token = 0;
  await holdsCheckpoints(async () => {
    token += 1;
    return store.checkpoints(assignmentOf(token, {}));
  });
});

interface Change {
  readonly by?: string;
  readonly run?: number;
  readonly model?: string;
  readonly prompt?: string;
  readonly qualityMin?: number;
  readonly audioSeconds?: number;
  readonly parts?: boolean;
  readonly store?: AttemptStore;
  readonly signal?: AbortSignal;
  /** Asked at the end of each window, before it is told: why the engine ends there. */
  readonly at?: (seconds: number) => EngineFailure | null | Promise<EngineFailure | null>;
}

function diesAt(second: number): (seconds: number) => EngineFailure | null {
  return (seconds) => (seconds < second ? null : { code: 'engine_died', message: 'It died.' });
}

/** A store that tells when so many checkpoints are written. */
function keeping(by: string) {
  const store: AttemptStore = new MountedStore(library, nameOf(by), 0);
  const checkpoints = store.checkpoints.bind(store);
  let count = 0;
  let wake: () => void = () => undefined;
  store.checkpoints = (assignment) => {
    const there = checkpoints(assignment);
    const write: typeof there.write = async (...of) => {
      await there.write(...of);
      count += 1;
      wake();
    };
    return { ...there, write };
  };
  const kept = async (wanted: number) => {
    while (count < wanted)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { store, kept };
}

/** One attempt, with an engine that hears a word a window, a second in a millisecond. */
async function transcribe(token: number, change: Change = {}) {
  const { by = 'local', signal = never, audioSeconds = HALF_HOUR } = change;
  const heard = { seconds: 0, resumedAtSeconds: 0 };
  const progress: number[] = [];
  const said: string[] = [];
  const worker = transcribeWorker({
    store: change.store ?? new MountedStore(library, nameOf(by), 0),
    engines: [engineOf(change, audioSeconds, heard)],
    clock: systemClock,
    agent: nameOf(by),
    checkpointAfterSeconds: 1_200,
    transcribed: (_model, _seconds, resumedAtSeconds) => {
      heard.resumedAtSeconds = resumedAtSeconds;
    },
  });
  const tell = (_fields: object, line: string) => void said.push(line);
  const outcome = await worker(assignmentOf(token, change), {
    signal,
    progress: (fraction) => progress.push(fraction),
    log: { ...silentLog, info: tell, warn: tell },
  });
  return { outcome, progress, said, heardSeconds: heard.seconds, ...heard };
}

function engineOf(
  { at = () => null, parts = true }: Change,
  audioSeconds: number,
  heard: { seconds: number },
): Engine {
  const rest = { revision: 'r', device: 'cpu', computeType: 'int8', note: null };
  return {
    capabilities: { ...WHISPER_CAPABILITIES, parts },
    describe: () => 'a word a window',
    load: async (model) => ok({ engine: 'words', engineVersion: '1', model, ...rest }),
    transcribe: async (request, onPosition) => {
      const from = request.fromSeconds ?? 0;
      const segments: RawSegment[] = [];
      const totals = (end: number) => ({
        ...{ segments: [...segments], language: 'en', languageProbability: 1 },
        ...{ durationSeconds: end, speechSeconds: end - from, elapsedMs: end - from },
      });
      for (let start = from; start < audioSeconds; start += WINDOW) {
        if (start > from) request.onCheckpoint?.(totals(start));
        const end = Math.min(audioSeconds, start + WINDOW);
        heard.seconds += end - start;
        const ended = await at(end);
        if (ended !== null) return err(ended);
        const spoken = { text: `word ${start}`, avgLogprob: -0.1, noSpeechProb: 0, words: [] };
        segments.push({ start, end, ...spoken });
        onPosition(end, audioSeconds);
      }
      return ok(totals(audioSeconds));
    },
    stop: async () => undefined,
  };
}

function assignmentOf(token: number, { run = 1, model = 'm', ...change }: Change): Assignment {
  const { prompt, qualityMin, audioSeconds = HALF_HOUR } = change;
  const audio = { audioPath: AUDIO, audioSha256: sha256, audioSeconds };
  const work = { kind: 'transcribe', ...audio, model, language: null, prompt, qualityMin } as const;
  return {
    cluster: world,
    session: sessionOf(7),
    job: job('transcribe', run, token),
    work,
    ticket,
  };
}

interface Written {
  readonly durationSeconds: number;
  readonly segments: readonly object[];
  readonly provenance: { readonly parts: readonly { readonly agent: string }[] };
}

async function transcriptOf(token: number): Promise<Written> {
  return JSON.parse(await textOf(token, 'transcript.json')) as Written;
}

async function manifestOf(token: number) {
  const read = decodeManifest(await textOf(token, 'manifest.json'));
  invariant(read.ok, 'a manifest');
  return read.value;
}

async function textOf(token: number, name: string): Promise<string> {
  const there = await library.list('staging', 1_000);
  const file = there.find(({ path }) => path.endsWith(`/${token}/${name}`));
  invariant(file !== undefined, `${name} is there`);
  return Buffer.from(await library.readSmall(file.path, 1e6)).toString();
}

function nameOf(text: string): AgentId {
  const id = agentId(text);
  invariant(id.ok, 'an agent id');
  return id.value;
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
