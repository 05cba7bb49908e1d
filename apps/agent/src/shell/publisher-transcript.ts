import type { AgentId } from '@podctl/domain/ids.ts';
import type { PublisherWork, ResultOutcome } from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { compareWindow, type WindowAgreement } from '@podctl/domain/transcript/agreement.ts';
import { primaryLanguage } from '@podctl/domain/transcript/publisher-offer.ts';
import { sampleWindows } from '@podctl/domain/transcript/sample-windows.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import {
  type Candidate,
  checkDetails,
  type Declined,
  declined,
  disagrees,
  judgeOffer,
  judgeSamples,
  type PublisherDetails,
  publishedTranscript,
  readCandidate,
  spokenSeconds,
} from '../core/publisher-check.ts';
import { textOf } from '../core/publisher-fetch.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { segmentOf, type TranscribeWork } from '../core/transcript-of.ts';
import type { Attempt, AttemptStore, AudioInput } from './attempt-store.ts';
import type { Engine } from './engine.ts';
import { MODEL_DEFAULT } from './hearing.ts';
import type { JobContext } from './jobs.ts';
import { writeTranscript } from './transcript-files.ts';

export interface PublisherPorts {
  readonly store: Pick<AttemptStore, 'publisherFile'>;
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly publisher?: ((outcome: 'used' | 'declined') => void) | undefined;
}

export interface PublisherTask {
  readonly engine: Engine;
  readonly attempt: Attempt;
  readonly assignment: Assignment;
  readonly work: TranscribeWork;
  readonly audio: AudioInput;
}

/** `outcome` null: the engine is to transcribe all, into `attempt`, whose manifest says why. */
export interface Preferred {
  readonly outcome: ResultOutcome | null;
  readonly attempt: Attempt;
}

/**
 * Takes the publisher's transcript for an engine's where the work says that it is preferred and what the engine hears in a
 * few parts of the audio agrees with it. Whatever is against it, and whatever goes wrong with looking, leaves the work to the
 * engine.
 */
export async function preferPublisher(
  ports: PublisherPorts,
  task: PublisherTask,
  context: JobContext,
): Promise<Preferred> {
  const { attempt, work } = task;
  const { publisher } = work;
  if (publisher === undefined) return { outcome: null, attempt };
  const startedAtMs = ports.clock.wallMs();
  const seen: Seen = { candidate: null, samples: [] };
  const checked = await check(ports, task, publisher, seen, context);
  context.signal.throwIfAborted();
  const details = checkDetails(publisher, seen.candidate, seen.samples);
  ports.publisher?.(checked.ok ? 'used' : 'declined');
  if (!checked.ok) {
    const { code, why } = checked.error;
    context.log.info({ code, why }, 'The publisher’s transcript is not taken');
    const told = { publisher: `declined: ${code}`, publisherWhy: why, ...details };
    return { outcome: null, attempt: withDetails(attempt, told) };
  }
  context.log.info(details, 'The publisher’s transcript is taken');
  const { candidate, elapsedMs, ...how } = checked.value;
  const by = { agent: ports.agent, startedAtMs, finishedAtMs: ports.clock.wallMs() };
  const transcript = publishedTranscript(work, candidate, { ...how, details }, by);
  const raw = { speechSeconds: spokenSeconds(candidate.segments), elapsedMs };
  const into = withDetails(attempt, { publisher: 'used', ...details });
  const about = { episode: work.episode ?? null, details: {} };
  return { outcome: await writeTranscript(into, ports.agent, transcript, raw, about), attempt };
}

/** What a check has found out so far, also where it ends early. */
interface Seen {
  candidate: Candidate | null;
  samples: readonly WindowAgreement[];
}

interface Checked {
  readonly candidate: Candidate;
  readonly model: LoadedModel;
  readonly language: string;
  readonly audioSeconds: number;
  /** Of the engine, for the samples. */
  readonly elapsedMs: number;
}

async function check(
  ports: PublisherPorts,
  task: PublisherTask,
  publisher: PublisherWork,
  seen: Seen,
  context: JobContext,
): Promise<Result<Checked, Declined>> {
  const { engine, assignment, work } = task;
  const offer = judgeOffer(publisher, work, engine.capabilities.parts);
  if (!offer.ok) return offer;
  const { form, audioSeconds } = offer.value;
  const bytes = await fileOf(ports, assignment, publisher, context.signal);
  if (bytes === null) return declined('file', 'Its file could not be had from the library.');
  const read = readCandidate(form, textOf(bytes), audioSeconds);
  if (!read.ok) return read;
  seen.candidate = read.value;
  const loaded = await engine.load(modelOf(engine, work), context.signal);
  if (!loaded.ok)
    return declined('sample', `The model could not be loaded: ${loaded.error.message}`);
  const heard = await sampled(task, publisher, read.value, audioSeconds, seen, context);
  if (!heard.ok) return heard;
  const against = judgeSamples(seen.samples);
  if (against !== null) return err(against);
  const language =
    primaryLanguage(publisher.language) ?? work.language ?? heard.value.language ?? 'und';
  const { elapsedMs } = heard.value;
  return ok({ candidate: read.value, model: loaded.value, language, audioSeconds, elapsedMs });
}

/** Has the engine listen to the windows, one after the other, until one disagrees. */
async function sampled(
  { engine, work, audio }: PublisherTask,
  publisher: PublisherWork,
  { segments }: Candidate,
  audioSeconds: number,
  seen: Seen,
  { signal }: JobContext,
): Promise<Result<{ readonly language: string | null; readonly elapsedMs: number }, Declined>> {
  const { prompt, hotwords } = work;
  const language = work.language ?? primaryLanguage(publisher.language);
  const request = { audioPath: audio.path, language, prompt, hotwords, audioSeconds };
  const languages: (string | null)[] = [];
  let elapsedMs = 0;
  for (const window of sampleWindows(work.audioSha256, audioSeconds)) {
    const heard = await engine.transcribe({ ...request, ...window }, () => undefined, signal);
    if (!heard.ok) return declined('sample', `A sample could not be heard: ${heard.error.message}`);
    elapsedMs += heard.value.elapsedMs;
    languages.push(heard.value.language);
    const sample = compareWindow(window, segmentsOf(heard.value), segments);
    seen.samples = [...seen.samples, sample];
    if (disagrees(sample)) break;
  }
  return ok({ language: languages.find((one) => one !== null) ?? null, elapsedMs });
}

function segmentsOf({ segments }: RawTranscript) {
  return segments.map(segmentOf);
}

/** A library that is away is no reason to fail here: the work that follows meets it, too. */
async function fileOf(
  { store }: PublisherPorts,
  assignment: Assignment,
  publisher: PublisherWork,
  signal: AbortSignal,
): Promise<Uint8Array | null> {
  try {
    return await store.publisherFile(assignment, publisher, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof LibraryError) return null;
    throw error;
  }
}

function modelOf({ modelDefault }: Engine, { model }: TranscribeWork): string {
  return model === 'auto' ? (modelDefault ?? MODEL_DEFAULT) : model;
}

/** The same attempt; its manifest tells more. */
function withDetails(attempt: Attempt, more: PublisherDetails): Attempt {
  return {
    ...attempt,
    finish: (agent, audioSeconds, details) =>
      attempt.finish(agent, audioSeconds, { ...details, ...more }),
    [Symbol.asyncDispose]: async () => undefined,
  };
}
