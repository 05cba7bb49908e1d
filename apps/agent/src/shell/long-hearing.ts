import type { AgentId } from '@podctl/domain/ids.ts';
import { ok, type Result } from '@podctl/domain/result.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { type CheckpointOf, checkpointKey, isLong, joined } from '../core/checkpoint.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import type { CheckpointStore } from './attempt-store.ts';
import { parametersHash, unpackCheckpoint } from './checkpoint-file.ts';
import { CheckpointWriter } from './checkpoint-writer.ts';
import type { Engine, TranscribeRequest } from './engine.ts';

/** Of one attempt. */
export interface LongHearing {
  readonly store: CheckpointStore;
  readonly agent: AgentId;
  readonly run: number;
  readonly audioSha256: string;
  readonly audioSeconds: number | null;
  /** Audio that is not longer is heard in one go. */
  readonly afterSeconds: number;
  readonly log: Logger;
}

type OnPosition = (seconds: number, durationSeconds: number | null) => void;

/** To find out that there is none must not keep the engine waiting for long. */
const READ_MS_MAX = 60_000;

/**
 * Has an engine transcribe; of long audio it leaves checkpoints, and goes on from the farthest that any attempt at
 * the same run left. The result is as of one pass, and says who heard which part (`parts`).
 */
export async function transcribeLong(
  engine: Engine,
  model: LoadedModel,
  request: TranscribeRequest,
  long: LongHearing | undefined,
  onPosition: OnPosition,
  signal: AbortSignal,
): Promise<Result<RawTranscript, EngineFailure>> {
  const isWhole = request.fromSeconds === undefined && request.toSeconds === undefined;
  const isFit = engine.capabilities.parts && isWhole;
  if (long === undefined || !isFit || !isLong(long.audioSeconds, long.afterSeconds))
    return engine.transcribe(request, onPosition, signal);
  const of = checkpointOf(long, model, request);
  const earlier = await found(long, of, signal);
  const { device, computeType } = model;
  const by = { agent: long.agent, device, computeType };
  const { audioSeconds, store, log } = long;
  const fromSeconds = earlier?.durationSeconds ?? 0;
  const writer = new CheckpointWriter({ store, of, audioSeconds, log, signal }, fromSeconds);
  const goOn =
    earlier === null ? {} : { fromSeconds, language: earlier.language ?? request.language };
  if (earlier !== null) onPosition(fromSeconds, audioSeconds);
  const onCheckpoint = (heard: RawTranscript) => writer.offer(joined(earlier, heard, by));
  const heard = await engine
    .transcribe({ ...request, ...goOn, onCheckpoint }, onPosition, signal)
    .catch(async (error: unknown) => {
      await writer.end();
      throw error;
    });
  if (!heard.ok) {
    await writer.endLate();
    return heard;
  }
  await writer.end();
  return ok(joined(earlier, heard.value, by));
}

function checkpointOf(
  { run, audioSha256 }: LongHearing,
  model: LoadedModel,
  request: TranscribeRequest,
): CheckpointOf {
  const { audioPath: _path, windowSeconds: _length, onCheckpoint: _told, ...rest } = request;
  // What the agent heard in the feed before is its own memory: another agent's attempt goes on all the same.
  const languageProbe = rest.languageProbe && { ...rest.languageProbe, hint: undefined };
  const parameters = { ...rest, languageProbe };
  return { run, audioSha256, parameters: parametersHash(model, parameters) };
}

/** Null: from the start. Rejects with the signal's reason only. */
async function found(
  { store, audioSeconds, log }: LongHearing,
  of: CheckpointOf,
  signal: AbortSignal,
): Promise<RawTranscript | null> {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(READ_MS_MAX)]);
  try {
    const bytes = await store.read(checkpointKey(of), patience);
    if (bytes === null) return null;
    const earlier = await unpackCheckpoint(bytes, of, audioSeconds);
    if (earlier.ok) {
      log.info(...goingOn(earlier.value, audioSeconds));
      return earlier.value;
    }
    log.warn(
      { reason: earlier.error },
      'A checkpoint is not believed, and the audio is heard from its start',
    );
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof LibraryError) && !patience.aborted) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    log.warn({ reason }, 'No checkpoint could be read, and the audio is heard from its start');
  }
  return null;
}

function goingOn(
  { durationSeconds, parts }: RawTranscript,
  audioSeconds: number | null,
): [object, string] {
  const left = parts?.at(-1)?.agent ?? 'an earlier attempt';
  const whole = audioSeconds === null ? '' : ` of ${clock(audioSeconds)}`;
  const fields = { resumedAtSeconds: durationSeconds, checkpointOf: left };
  return [fields, `It goes on at ${clock(durationSeconds)}${whole} (checkpoint of ${left})`];
}

/** Minutes and seconds, hours before them where there are any. */
function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [whole / 3_600, (whole / 60) % 60, whole % 60].map(Math.floor);
  const pad = (value = 0) => String(value).padStart(2, '0');
  return hours === 0 ? `${minutes}:${pad(rest)}` : `${hours}:${pad(minutes)}:${pad(rest)}`;
}
