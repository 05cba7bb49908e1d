import type { AgentId } from '@podctl/domain/ids.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { renderJson } from '@podctl/domain/transcript/json.ts';
import { renderSrt } from '@podctl/domain/transcript/srt.ts';
import type { Transcript, TranscriptSegment } from '@podctl/domain/transcript/transcript.ts';
import { renderTxt } from '@podctl/domain/transcript/txt.ts';
import { renderVtt } from '@podctl/domain/transcript/vtt.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import type { Attempt, AttemptStore, AudioInput, TranscribeWork } from './attempt-store.ts';
import type { Engine, EngineFailure, LoadedModel, RawSegment, RawTranscript } from './engine.ts';
import { EnginePool } from './engine-pool.ts';
import { failure, type JobContext, returned, type Worker } from './jobs.ts';

export interface TranscribePorts {
  readonly store: AttemptStore;
  /** One a slot. */
  readonly engines: readonly Engine[];
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly transcribed: (model: string, audioSeconds: number) => void;
}

/** What `auto` stands for: real time many times over on any CPU. */
export const MODEL_DEFAULT = 'tiny.en';
/** ISO 639: undetermined. */
const NO_LANGUAGE = 'und';
/** The operator has to do something first; the wait keeps the episode's tries from being used up meanwhile. */
const OPERATOR_WAIT_MS = 60_000;

const SHORT_SECONDS = 5;
const SHORT_SHARE = 0.05;

interface Task {
  readonly attempt: Attempt;
  readonly assignment: Assignment;
  readonly work: TranscribeWork;
}

/** Turns accepted audio into `transcript.{txt,srt,vtt,json}` in staging, then the manifest. */
export function transcribeWorker(ports: TranscribePorts): Worker {
  const pool = new EnginePool(ports.engines, ports.clock);
  return async (assignment, context) => {
    const { work } = assignment;
    invariant(work.kind === 'transcribe', 'a transcribe job has transcribe work');
    const engine = await pool.take(context.signal);
    try {
      await using attempt = await ports.store.begin(assignment, context);
      return await transcribe(ports, engine, { attempt, assignment, work }, context);
    } catch (error) {
      if (context.signal.aborted || !(error instanceof LibraryError)) throw error;
      return libraryOutcome(error);
    } finally {
      pool.give(engine);
    }
  };
}

async function transcribe(
  ports: TranscribePorts,
  engine: Engine,
  { attempt, assignment, work }: Task,
  context: JobContext,
): Promise<ResultOutcome> {
  const { clock, store } = ports;
  const { signal, progress, log } = context;
  const startedAtMs = clock.wallMs();
  const found = await store.input(assignment, work, signal);
  if (!found.ok) return found.error;
  using audio = found.value;
  const name = work.model === 'auto' ? MODEL_DEFAULT : work.model;
  const loaded = await engine.load(name, signal, (line) => log.info({ component: 'engine' }, line));
  if (!loaded.ok) return engineOutcome(loaded.error);
  const { model, device, computeType, note } = loaded.value;
  log.info(
    { model, device, computeType, ...(note === null ? {} : { note }) },
    'The model is loaded',
  );
  const { language: spoken, prompt, hotwords } = work;
  const request = { audioPath: audio.path, language: spoken, prompt, hotwords };
  const onPosition = (seconds: number, durationSeconds: number | null) => {
    const whole = durationSeconds ?? work.audioSeconds;
    if (whole !== null && whole > 0) progress(seconds / whole);
  };
  const heard = await engine.transcribe(request, onPosition, signal);
  if (!heard.ok) return unheard(heard.error, audio, signal);
  const { segments, language, durationSeconds, elapsedMs } = heard.value;
  log.info(
    { segments: segments.length, language, durationSeconds, elapsedMs },
    'The audio is transcribed',
  );
  if (isShort(heard.value.durationSeconds, work.audioSeconds))
    return failure(
      'audio_short',
      `Only ${Math.round(heard.value.durationSeconds)} of ${Math.round(work.audioSeconds ?? 0)} s of the audio could be decoded: its file may be damaged, or could not be read to its end.`,
    );
  const finishedAtMs = clock.wallMs();
  const transcript = transcriptOf(work, loaded.value, heard.value, {
    agent: ports.agent,
    startedAtMs,
    finishedAtMs,
  });
  const outcome = await finish(attempt, ports.agent, transcript, heard.value);
  ports.transcribed(loaded.value.model, heard.value.durationSeconds);
  return outcome;
}

/** Far less than was measured when it was downloaded. Decoders and containers differ by a little. */
function isShort(heardSeconds: number, audioSeconds: number | null): boolean {
  const missingSeconds = (audioSeconds ?? 0) - heardSeconds;
  return missingSeconds > SHORT_SECONDS && missingSeconds > SHORT_SHARE * (audioSeconds ?? 0);
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

async function finish(
  attempt: Attempt,
  agent: AgentId,
  transcript: Transcript,
  raw: RawTranscript,
): Promise<ResultOutcome> {
  await attempt.writeText('transcript.txt', renderTxt(transcript));
  await attempt.writeText('transcript.srt', renderSrt(transcript));
  await attempt.writeText('transcript.vtt', renderVtt(transcript));
  await attempt.writeText('transcript.json', renderJson(transcript));
  const { provenance, durationSeconds, language, segments } = transcript;
  return attempt.finish(agent, durationSeconds, {
    language,
    segments: segments.length,
    speechSeconds: raw.speechSeconds,
    elapsedMs: raw.elapsedMs,
    engine: `${provenance.engine} ${provenance.engineVersion}`,
    model: provenance.model,
    modelRevision: provenance.modelRevision,
    device: provenance.device,
    computeType: provenance.computeType,
    audioSha256: provenance.audioSha256,
  });
}

function transcriptOf(
  work: TranscribeWork,
  loaded: LoadedModel,
  raw: RawTranscript,
  by: { agent: AgentId; startedAtMs: number; finishedAtMs: number },
): Transcript {
  const { engine, engineVersion, model, revision, computeType, device } = loaded;
  return {
    language: raw.language ?? work.language ?? NO_LANGUAGE,
    languageProbability: work.language === null ? raw.languageProbability : null,
    durationSeconds: raw.durationSeconds,
    segments: raw.segments.map(segmentOf),
    provenance: {
      engine,
      engineVersion,
      model,
      modelRevision: revision,
      computeType,
      device,
      parameters: parametersOf(work),
      audioSha256: work.audioSha256,
      ...by,
    },
  };
}

function parametersOf({ language, prompt, hotwords }: TranscribeWork) {
  return {
    language,
    ...(prompt === undefined ? {} : { prompt }),
    ...(hotwords === undefined ? {} : { hotwords }),
  };
}

function segmentOf(raw: RawSegment): TranscriptSegment {
  return {
    startSeconds: raw.start,
    endSeconds: raw.end,
    text: raw.text,
    avgLogprob: raw.avgLogprob,
    noSpeechProbability: raw.noSpeechProb,
    words: raw.words.map((word) => ({
      startSeconds: word.start,
      endSeconds: word.end,
      text: word.word,
      probability: word.probability ?? 0,
    })),
  };
}

function engineOutcome({ code, message, smallerNext }: EngineFailure): ResultOutcome {
  switch (code) {
    case 'cancelled':
      return returned(message);
    case 'audio_unreadable':
      return failure(code, message, { final: true });
    case 'model_missing':
    case 'device_unavailable':
    case 'engine_missing':
      return failure(code, message, { retryAfterMs: OPERATOR_WAIT_MS });
    case 'out_of_memory':
      // Never the episode's failure: it needs no more memory than any other, and must not be given up for a full GPU.
      return returned(message, code, smallerNext === true ? 0 : OPERATOR_WAIT_MS);
    case 'bad_request':
    case 'busy':
    case 'device_failed':
    case 'internal':
    case 'engine_died':
    case 'engine_silent':
    case 'engine_babble':
      return failure(code, message);
  }
}

function libraryOutcome(error: LibraryError): ResultOutcome {
  if (error.code === 'full' || error.code === 'offline')
    return returned(
      `The library cannot be used: ${error.message}.`,
      `library_${error.code}`,
      OPERATOR_WAIT_MS,
    );
  return failure(`library_${error.code}`, `The library failed: ${error.message}.`);
}
