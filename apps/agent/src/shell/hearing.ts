import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Decoding } from '../core/decoding.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { engineOutcome, OPERATOR_WAIT_MS } from '../core/engine-outcome.ts';
import { failure, returned } from '../core/outcome.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { isShort, type TranscribeWork } from '../core/transcript-of.ts';
import type { AudioInput } from './attempt-store.ts';
import type { Engine } from './engine.ts';
import type { JobContext } from './jobs.ts';
import { type LongHearing, transcribeLong } from './long-hearing.ts';

/** What `auto` stands for: real time many times over on any CPU. */
export const MODEL_DEFAULT = 'tiny.en';

export interface Heard {
  readonly model: LoadedModel;
  readonly raw: RawTranscript;
}

/** How it listens, where the engine heeds that. */
export interface Listening {
  readonly decoding?: Decoding | undefined;
  readonly languageHint?: string | undefined;
  /** Where checkpoints of long audio are left; absent: none is. */
  readonly long?: LongHearing | undefined;
}

/** Has an engine listen to all of the audio; else how the job ends. */
export async function hear(
  engine: Engine,
  audio: AudioInput,
  work: TranscribeWork,
  { signal, progress, log }: JobContext,
  { decoding, languageHint: hint, long }: Listening = {},
): Promise<Result<Heard, ResultOutcome>> {
  const name = work.model === 'auto' ? (engine.modelDefault ?? MODEL_DEFAULT) : work.model;
  const loaded = await engine.load(name, signal, (line) => log.info({ component: 'engine' }, line));
  if (!loaded.ok) return err(engineOutcome(loaded.error));
  const { model, device, computeType, note } = loaded.value;
  log.info(
    { model, device, computeType, ...(note === null ? {} : { note }) },
    'The model is loaded',
  );
  const { language: spoken, prompt, hotwords } = work;
  const languageProbe = work.languageProbe && { ...work.languageProbe, hint };
  const how = engine.capabilities.decoding ? { decoding, languageProbe } : {};
  const request = { audioPath: audio.path, language: spoken, prompt, hotwords, ...how };
  const onPosition = (seconds: number, durationSeconds: number | null) => {
    const whole = durationSeconds ?? work.audioSeconds;
    if (whole !== null && whole > 0) progress(seconds / whole);
  };
  const heard = await transcribeLong(engine, loaded.value, request, long, onPosition, signal);
  if (!heard.ok) return err(await unheard(heard.error, audio, signal));
  const { segments, language, durationSeconds, elapsedMs } = heard.value;
  log.info(
    { segments: segments.length, language, durationSeconds, elapsedMs },
    'The audio is transcribed',
  );
  if (isShort(durationSeconds, work.audioSeconds)) return err(short(durationSeconds, work));
  return ok({ model: loaded.value, raw: heard.value });
}

function short(heardSeconds: number, { audioSeconds }: TranscribeWork): ResultOutcome {
  return failure(
    'audio_short',
    `Only ${Math.round(heardSeconds)} of ${Math.round(audioSeconds ?? 0)} s of the audio could be decoded: its file may be damaged, or could not be read to its end.`,
  );
}

/** Only audio that is there as it was accepted is known to be unreadable: a disk may have been away for a while. */
async function unheard(
  why: EngineFailure,
  audio: AudioInput,
  signal: AbortSignal,
): Promise<ResultOutcome> {
  if (why.code !== 'audio_unreadable') return engineOutcome(why);
  const isIntact = await audio.intact(signal).catch((error: unknown) => {
    signal.throwIfAborted();
    if (error instanceof LibraryError) return false;
    throw error;
  });
  return isIntact ? engineOutcome(why) : returned(why.message, why.code, OPERATOR_WAIT_MS);
}
