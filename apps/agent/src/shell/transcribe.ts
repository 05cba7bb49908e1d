import type { AgentId } from '@podctl/domain/ids.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import { invariant, ok } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Assignment } from '../core/assignment.ts';
import { hearingParameters, keptOf, qualityDetails } from '../core/judged-hearing.ts';
import { type TranscribeWork, transcriptOf } from '../core/transcript-of.ts';
import type { Attempt, AttemptStore } from './attempt-store.ts';
import type { Engine } from './engine.ts';
import { EnginePool } from './engine-pool.ts';
import type { FetchAhead } from './fetch-ahead.ts';
import type { JobContext, Worker } from './jobs.ts';
import { KnownLanguages } from './known-languages.ts';
import { libraryOutcome } from './library-outcome.ts';
import type { LongHearing } from './long-hearing.ts';
import { preferPublisher } from './publisher-transcript.ts';
import { hearWell } from './second-pass.ts';
import { writeTranscript } from './transcript-files.ts';

export interface TranscribePorts {
  readonly store: AttemptStore;
  /** One a slot. */
  readonly engines: readonly Engine[];
  /** What was fetched before its turn; left out where nothing is. */
  readonly ahead?: Pick<FetchAhead, 'take'>;
  readonly clock: Clock;
  readonly agent: AgentId;
  /** Longer audio is checkpointed (`transcribe.checkpointAfter`); absent: none is. */
  readonly checkpointAfterSeconds?: number;
  /**
   * `resumedAtSeconds`: so much of it an earlier attempt had heard. `quality`: 0 to 1; null where there was nothing to
   * judge.
   */
  readonly transcribed: (
    model: string,
    audioSeconds: number,
    resumedAtSeconds: number,
    quality: number | null,
  ) => void;
  /** Whether a publisher's transcript was taken, where one was to be preferred. */
  readonly publisher?: (outcome: 'used' | 'declined') => void;
}

interface Task {
  readonly attempt: Attempt;
  readonly assignment: Assignment;
  readonly work: TranscribeWork;
  readonly languages: KnownLanguages;
}

/** Turns accepted audio into `transcript.{txt,srt,vtt,json,md}` in staging, then the manifest. */
export function transcribeWorker(ports: TranscribePorts): Worker {
  const pool = new EnginePool(ports.engines, ports.clock);
  const languages = new KnownLanguages();
  return async (assignment, context) => {
    const { work } = assignment;
    invariant(work.kind === 'transcribe', 'a transcribe job has transcribe work');
    const engine = await pool.take(context.signal);
    try {
      await using attempt = await ports.store.begin(assignment, context);
      return await transcribe(ports, engine, { attempt, assignment, work, languages }, context);
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
  { attempt, assignment, work, languages }: Task,
  context: JobContext,
): Promise<ResultOutcome> {
  const { agent, clock, store } = ports;
  const startedAtMs = clock.wallMs();
  const early = (await ports.ahead?.take(assignment, context.signal)) ?? null;
  const found = early === null ? await store.input(assignment, work, context.signal) : ok(early);
  if (!found.ok) return found.error;
  using audio = found.value;
  const preferred = await preferPublisher(
    ports,
    { engine, attempt, assignment, work, audio },
    context,
  );
  if (preferred.outcome !== null) return preferred.outcome;
  const { feed } = assignment.job;
  const listening = {
    languageHint: languages.of(feed),
    long: longHearing(ports, assignment, work, context),
  };
  const heard = await hearWell(engine, audio, work, context, listening);
  if (!heard.ok) return heard.error;
  const { model, passes } = heard.value;
  const { raw, quality } = keptOf(passes);
  languages.note(feed, raw);
  const by = { agent, startedAtMs, finishedAtMs: clock.wallMs() };
  const parameters = hearingParameters(passes);
  const transcript = transcriptOf(work, model, raw, by, engine.capabilities, parameters);
  const about = { episode: work.episode ?? null, details: qualityDetails(passes) };
  const outcome = await writeTranscript(preferred.attempt, agent, transcript, raw, about);
  const resumedAtSeconds = raw.parts?.at(-1)?.fromSeconds ?? 0;
  ports.transcribed(model.model, raw.durationSeconds, resumedAtSeconds, quality?.figure ?? null);
  return outcome;
}

function longHearing(
  { agent, store, checkpointAfterSeconds }: TranscribePorts,
  assignment: Assignment,
  { audioSha256, audioSeconds }: TranscribeWork,
  { log }: JobContext,
): LongHearing | undefined {
  if (checkpointAfterSeconds === undefined) return undefined;
  const { run } = assignment.job;
  const checkpoints = store.checkpoints(assignment);
  const audio = { audioSha256, audioSeconds, afterSeconds: checkpointAfterSeconds };
  return { store: checkpoints, agent, run, ...audio, log };
}
