import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testPython } from '../../../../test/support/python.ts';
import { silentLog } from '../../../../test/support/silent-log.ts';
import { music, pinkNoise, silence, wav, whiteNoise } from '../../../../test/support/sound.ts';
import { judgedHearing, SECOND_DECODING } from '../core/judged-hearing.ts';
import type { TranscribeWork } from '../core/transcript-of.ts';
import type { TranscribeRequest } from './engine.ts';
import { WhisperEngine } from './whisper-engine.ts';

const SCRIPT = fileURLToPath(new URL('../../engines/whisper_engine.py', import.meta.url));
const never = new AbortController().signal;

let folder: string;
let engine: WhisperEngine;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-nothing-'));
  const env = { ...process.env, HF_HUB_OFFLINE: '1' };
  const of = { python: testPython(), script: SCRIPT, env, lockFd: null };
  const times = { silentMs: 30_000, cancelMs: 2_000, clock: systemClock };
  const spec = { ...of, ...times, log: silentLog, said: () => undefined };
  engine = new WhisperEngine(spec, { device: 'cpu' }, () => 0);
  invariant((await engine.load('tiny.en', never)).ok, 'the model loads');
});
afterAll(async () => {
  await engine.stop();
  await rm(folder, { recursive: true });
});

test.each([
  ['silence', silence(5)],
  ['white noise', whiteNoise(5, 0.2)],
  ['pink noise', pinkNoise(5, 0.5)],
  ['music with a voice that has no words', music(8)],
])('of %s there is no transcript, and no quality', async (_, sound) => {
  for (const decoding of [undefined, SECOND_DECODING]) {
    const heard = await judged(sound, { decoding });
    expect(heard.raw).toMatchObject({ segments: [], language: null });
    expect(heard.quality).toBeNull();
  }
});

test('what the model writes where nobody speaks is dropped, and what was taken for speech is worth nothing', async () => {
  // So low a threshold takes noise for speech: the model has to write something.
  const decoding = { vadThreshold: 0.05 };
  const { raw, dropped, quality } = await judged(whiteNoise(8, 0.2), { decoding });
  expect(raw).toMatchObject({ segments: [], language: null });
  expect(dropped.segments).toBeGreaterThan(0);
  expect(quality?.figure).toBe(0);
});

async function judged(sound: Float64Array, how: Partial<TranscribeRequest>) {
  const audioPath = join(folder, 'sound.wav');
  await writeFile(audioPath, wav(sound));
  const heard = await engine.transcribe({ audioPath, language: null, ...how }, () => {}, never);
  invariant(heard.ok, 'it is heard');
  const work: TranscribeWork = {
    ...{ kind: 'transcribe', audioPath, audioSha256: 'a'.repeat(64), audioSeconds: null },
    ...{ model: 'tiny.en', language: null },
  };
  return judgedHearing(work, heard.value);
}
