import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { agentId } from '@podctl/domain/ids.ts';
import { decodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { invariant, ok } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { WHISPER_CAPABILITIES } from '../core/engine-capabilities.ts';
import { job, sessionOf, ticket, world } from '../core/machine-example.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import { MountedStore } from './mounted-store.ts';
import { transcribeWorker } from './transcribe.ts';

const named = agentId('local');
invariant(named.ok, 'an agent id');
const agent = named.value;
const AUDIO = 'episodes/alpha/audio.mp3';
const SECONDS = 600;
/** Two words a second, of which no four in a row come twice. */
const WORDS = Array.from({ length: 2 * SECONDS }, (_, i) => `w${letters(i * 7_919)}`);

let folder: string;
let library: FileLibrary;
let asked: TranscribeRequest[];
let outcomes: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-publisher-'));
  await createLibrary(join(folder, 'library'));
  library = await openLibrary(join(folder, 'library'), null);
  [asked, outcomes] = [[], []];
});
afterEach(() => rm(folder, { recursive: true }));

describe('a publisher’s transcript that is preferred', () => {
  test('is the transcript where three samples of the audio agree with it, and says what it was checked by', async () => {
    const { details, transcript, srt } = await transcribed(vttOf(1));
    expect(details).toMatchObject({
      ...{ engine: 'publisher vtt', publisher: 'used', publisherErrorRateWorst: 0 },
      ...{ publisherSamples: 3, publisherSampledSeconds: 90, publisherCoveredShare: 1 },
      publisherUrl: 'https://host.example.org/one.vtt?…',
    });
    expect(transcript).toMatchObject({ language: 'en', durationSeconds: SECONDS });
    expect(transcript.provenance.parameters.publisherCheckedBy).toBe('silence m');
    expect(srt).toContain(WORDS[0]);
    expect(
      asked.every(({ toSeconds = SECONDS, fromSeconds = 0 }) => toSeconds - fromSeconds <= 30),
    ).toBe(true);
    expect(outcomes).toEqual(['used']);
  });

  test.each([
    ['its times are shifted, as where an advertisement was put in', vttOf(20), 'disagrees', 1],
    ['it covers too little', vttOf(1).slice(0, 6_000), 'times', 0],
    [
      'it says far more than anybody could, in a moment that may not be sampled',
      crowded(),
      'times',
      0,
    ],
    ['nothing in it has times', 'WEBVTT\n\nHello', 'times', 0],
  ])(
    'is not taken where %s: the engine hears all, and why is on record',
    async (_, vtt, code, samples) => {
      const { details, transcript } = await transcribed(vtt);
      expect(details).toMatchObject({ engine: 'silence 1', publisher: `declined: ${code}` });
      expect(details.publisherWhy).toEqual(expect.stringMatching(/\.$/));
      expect(transcript.segments.length).toBe(WORDS.length);
      expect(asked.filter(({ fromSeconds }) => fromSeconds !== undefined)).toHaveLength(samples);
      expect(outcomes).toEqual(['declined']);
    },
  );

  test('is not looked at by an engine that hears all or nothing, and not taken where its file is another', async () => {
    expect((await transcribed(vttOf(1), { parts: false })).details.publisher).toBe(
      'declined: engine',
    );
    const other = await transcribed(vttOf(1), { sha256: 'b'.repeat(64), token: 6 });
    expect(other.details.publisher).toBe('declined: file');
  });
});

/** What is said, and in its first second a hundred times as much. */
function crowded(): string {
  const crowd = `00:00:00.000 --> 00:00:01.000\n${'word '.repeat(300)}\n\n`;
  return `${vttOf(1)}\n\n${crowd.repeat(100)}`;
}

/** All words; each cue has ten. */
function vttOf(fromSeconds: number): string {
  const time = (seconds: number) =>
    `${String(Math.floor(seconds / 60)).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}.000`;
  const cues = Array.from({ length: WORDS.length / 10 }, (_, i) => {
    const start = fromSeconds + 5 * i;
    return `${time(start)} --> ${time(start + 5)}\n${WORDS.slice(10 * i, 10 * i + 10).join(' ')}`;
  });
  return ['WEBVTT', ...cues].join('\n\n');
}

function letters(n: number): string {
  return [...n.toString(20)]
    .map((digit) => String.fromCharCode(97 + Number.parseInt(digit, 20)))
    .join('');
}

/** Hears every word where it is. */
function engine(parts: boolean): Engine {
  const model = { model: 'm', revision: 'r', device: 'cpu', computeType: 'int8', note: null };
  return {
    describe: () => 'silence',
    capabilities: { ...WHISPER_CAPABILITIES, parts },
    load: async () => ok({ engine: 'silence', engineVersion: '1', ...model }),
    transcribe: async (request) => {
      asked.push(request);
      const { fromSeconds = 0, toSeconds = SECONDS } = request;
      const segments = WORDS.map((text, i) => ({
        ...{ start: i / 2, end: i / 2 + 0.5, text, avgLogprob: 0, noSpeechProb: 0, words: [] },
      })).filter(({ start, end }) => start >= fromSeconds && end <= toSeconds);
      const language = { language: 'en', languageProbability: 1 };
      return ok({
        segments,
        speechSeconds: 1,
        elapsedMs: 1,
        durationSeconds: toSeconds,
        ...language,
      });
    },
    stop: async () => undefined,
  };
}

async function transcribed(
  vtt: string,
  {
    parts = true,
    sha256 = '',
    token = 5,
  }: { parts?: boolean; sha256?: string; token?: number } = {},
) {
  const write = (path: string, text: string) =>
    library.write(path, once(text), new AbortController().signal);
  const audio = await write(AUDIO, 'sound');
  const kept = await write('episodes/alpha/publisher.vtt', vtt);
  const worker = transcribeWorker({
    ...{ store: new MountedStore(library, agent, 0), engines: [engine(parts)] },
    ...{ clock: systemClock, agent, transcribed: () => undefined },
    publisher: (outcome) => void outcomes.push(outcome),
  });
  const publisher = {
    ...{ path: 'episodes/alpha/publisher.vtt', sizeBytes: kept.sizeBytes, language: 'en-GB' },
    ...{ sha256: sha256 || kept.sha256, url: 'https://host.example.org/one.vtt?…' },
  };
  const of = { audioPath: AUDIO, audioSha256: audio.sha256, audioSeconds: SECONDS };
  const work = { kind: 'transcribe', ...of, model: 'm', language: null, publisher } as const;
  const at = job('transcribe', 1, token);
  const assignment: Assignment = { cluster: world, session: sessionOf(7), job: at, work, ticket };
  const signal = new AbortController().signal;
  const outcome = await worker(assignment, { signal, progress: () => undefined, log: silentLog });
  expect(outcome).toMatchObject({ kind: 'finished' });
  const files = await library.list('staging', 100);
  const text = async (name: string) => {
    const found = files.find(({ path }) => path.endsWith(`/${token}/${name}`));
    return readFile(join(library.root, found?.path ?? ''), 'utf8');
  };
  const manifest = decodeManifest(await text(MANIFEST_NAME));
  invariant(manifest.ok, 'the manifest can be read');
  const transcript = JSON.parse(await text('transcript.json'));
  return { details: manifest.value.details, transcript, srt: await text('transcript.srt') };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
