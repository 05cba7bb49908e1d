import type { AgentId } from '@podctl/domain/ids.ts';
import type { ResultOutcome, Work } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import { renderJson } from '@podctl/domain/transcript/json.ts';
import { renderSrt } from '@podctl/domain/transcript/srt.ts';
import type { Transcript, TranscriptSegment } from '@podctl/domain/transcript/transcript.ts';
import { renderTxt } from '@podctl/domain/transcript/txt.ts';
import { renderVtt } from '@podctl/domain/transcript/vtt.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import type { Engine, EngineFailure, LoadedModel, RawSegment, RawTranscript } from './engine.ts';
import { failure, type JobContext, returned, type Worker } from './jobs.ts';
import { Staging } from './staging.ts';

export interface TranscribePorts {
  readonly library: Library;
  /** Where a file of the library is on this machine. */
  readonly localPath: (path: string) => Promise<string>;
  /** One a slot. */
  readonly engines: readonly Engine[];
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly transcribed: (model: string, audioSeconds: number) => void;
}

type TranscribeWork = Extract<Work, { kind: 'transcribe' }>;

/** What `auto` stands for: real time many times over on any CPU. */
const MODEL_DEFAULT = 'tiny.en';
/** ISO 639: undetermined. */
const NO_LANGUAGE = 'und';
/** The operator has to do something first; the wait keeps the episode's tries from being used up meanwhile. */
const OPERATOR_WAIT_MS = 60_000;

/** Turns accepted audio into `transcript.{txt,srt,vtt,json}` in staging, then the manifest. */
export function transcribeWorker(ports: TranscribePorts): Worker {
  const free = [...ports.engines];
  return async (assignment, context) => {
    const { work } = assignment;
    invariant(work.kind === 'transcribe', 'a transcribe job has transcribe work');
    const engine = free.pop();
    invariant(engine !== undefined, 'there is an engine for every slot');
    try {
      const staging = await Staging.open(ports.library, assignment, context.signal);
      return await transcribe(ports, engine, staging, work, context);
    } catch (error) {
      if (context.signal.aborted || !(error instanceof LibraryError)) throw error;
      return libraryOutcome(error);
    } finally {
      free.push(engine);
    }
  };
}

async function transcribe(
  ports: TranscribePorts,
  engine: Engine,
  staging: Staging,
  work: TranscribeWork,
  context: JobContext,
): Promise<ResultOutcome> {
  const { clock, library } = ports;
  const { signal, progress } = context;
  const startedAtMs = clock.wallMs();
  const { sha256 } = await library.hash(work.audioPath, signal);
  if (sha256 !== work.audioSha256)
    return failure(
      'audio_changed',
      `The audio in the library has SHA-256 ${sha256.slice(0, 12)}… where ${work.audioSha256.slice(0, 12)}… was accepted.`,
    );
  const loaded = await engine.load(work.model === 'auto' ? MODEL_DEFAULT : work.model, signal);
  if (!loaded.ok) return engineOutcome(loaded.error);
  const request = { audioPath: await ports.localPath(work.audioPath), language: work.language };
  const onPosition = (seconds: number, durationSeconds: number | null) => {
    const whole = durationSeconds ?? work.audioSeconds;
    if (whole !== null && whole > 0) progress(seconds / whole);
  };
  const heard = await engine.transcribe(request, onPosition, signal);
  if (!heard.ok) return engineOutcome(heard.error);
  const finishedAtMs = clock.wallMs();
  const transcript = transcriptOf(work, loaded.value, heard.value, {
    agent: ports.agent,
    startedAtMs,
    finishedAtMs,
  });
  const outcome = await store(staging, ports.agent, transcript, heard.value);
  ports.transcribed(loaded.value.model, heard.value.durationSeconds);
  return outcome;
}

async function store(
  staging: Staging,
  agent: AgentId,
  transcript: Transcript,
  raw: RawTranscript,
): Promise<ResultOutcome> {
  await staging.writeText('transcript.txt', renderTxt(transcript));
  await staging.writeText('transcript.srt', renderSrt(transcript));
  await staging.writeText('transcript.vtt', renderVtt(transcript));
  await staging.writeText('transcript.json', renderJson(transcript));
  const { provenance, durationSeconds, language, segments } = transcript;
  return staging.finish(agent, durationSeconds, {
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
      parameters: { language: work.language },
      audioSha256: work.audioSha256,
      ...by,
    },
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

function engineOutcome({ code, message }: EngineFailure): ResultOutcome {
  switch (code) {
    case 'cancelled':
      return returned(message);
    case 'audio_unreadable':
      return failure(code, message, { final: true });
    case 'model_missing':
    case 'device_unavailable':
    case 'engine_missing':
      return failure(code, message, { retryAfterMs: OPERATOR_WAIT_MS });
    case 'bad_request':
    case 'busy':
    case 'out_of_memory':
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
