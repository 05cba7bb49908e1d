import { createHash } from 'node:crypto';
import { checkpointName } from '@podctl/domain/checkpoint-name.ts';
import { hostAt } from '@podctl/domain/host-name.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { type Library, LibraryError } from '@podctl/platform/library.ts';
import { failure, returned } from '../../apps/agent/src/core/outcome.ts';
import type { JobContext, Worker } from '../../apps/agent/src/shell/jobs.ts';
import { libraryCheckpoints } from '../../apps/agent/src/shell/library-checkpoints.ts';
import { Staging } from '../../apps/agent/src/shell/staging.ts';
import type { SimProcess } from './process.ts';
import { allEpisodes, type World, type WorldEpisode } from './world.ts';

type Assignment = Parameters<Worker>[0];

export interface WorkerPlace {
  readonly world: World;
  readonly process: SimProcess;
  readonly library: Library;
  readonly agent: AgentId;
  /** How often each episode's host has failed so far; shared by all agents. */
  readonly failures: Map<string, number>;
  begun(process: SimProcess, assignment: Assignment): void;
  /** It goes on with what another attempt at its run had heard. */
  resumed(process: SimProcess, assignment: Assignment): void;
  /** It read something that is not what it was told. */
  misread(process: SimProcess, assignment: Assignment, what: string): void;
}

const CHECKPOINT_KEY = '0a'.repeat(8);
const RETURN_WAIT_MS = 3_000;
const AUDIO_BYTES_MAX = 1_000_000;

/** Workers that do by the clock what the real ones do by the CPU, through the real staging code. */
export function simWorkers(place: WorkerPlace): { readonly [S in Stage]: Worker } {
  return { download: tidied(place, download), transcribe: tidied(place, transcribe) };
}

type Work = (
  place: WorkerPlace,
  assignment: Assignment,
  episode: WorldEpisode,
  context: JobContext,
) => Promise<ResultOutcome>;

/** A library that is away is not the episode's fault. */
function tidied(place: WorkerPlace, work: Work): Worker {
  const episodes = new Map(
    allEpisodes(place.world).map((one) => [`${one.feed}.${one.episode}`, one]),
  );
  return async (assignment, context) => {
    const { feed, episode } = assignment.job;
    const known = episodes.get(`${feed}.${episode}`);
    if (known === undefined) throw new Error(`nobody published ${feed}.${episode}`);
    place.begun(place.process, assignment);
    try {
      return await work(place, assignment, known, context);
    } catch (error) {
      if (error instanceof LibraryError && error.code === 'offline')
        return returned('the library is away', 'library_offline', RETURN_WAIT_MS);
      throw error;
    }
  };
}

async function download(
  place: WorkerPlace,
  assignment: Assignment,
  episode: WorldEpisode,
  context: JobContext,
): Promise<ResultOutcome> {
  const staging = await Staging.open(place.library, assignment, context.signal);
  await pass(place, episode.downloadMs, context);
  const failed = place.failures.get(episode.key) ?? 0;
  if (failed < episode.downloadThrottles + episode.downloadFailures) {
    place.failures.set(episode.key, failed + 1);
    if (failed < episode.downloadThrottles) return throttled(episode, failed);
    return failure('http_404', 'The host answered 404.');
  }
  await staging.writeText('audio.mp3', textOf(assignment, 'audio.mp3'));
  await staging.writeText('metadata.json', textOf(assignment, 'metadata.json'));
  return staging.finish(place.agent, episode.transcribeMs / 1_000, {});
}

/** Some hosts say for how long, and older agents do not say which host it was. */
function throttled({ url, downloadMs }: WorldEpisode, before: number): ResultOutcome {
  const host = hostAt(new URL(url));
  const retryAfterMs = downloadMs % 2 === 0 ? 2_000 : null;
  const details = before === 0 ? { retryAfterMs, host } : { retryAfterMs };
  return failure('http_429', 'The host says that we ask too often.', details);
}

async function transcribe(
  place: WorkerPlace,
  assignment: Assignment,
  episode: WorldEpisode,
  context: JobContext,
): Promise<ResultOutcome> {
  const { work } = assignment;
  if (work.kind !== 'transcribe') throw new Error('a transcription has transcription work');
  const staging = await Staging.open(place.library, assignment, context.signal);
  const audio = await place.library.readSmall(work.audioPath, AUDIO_BYTES_MAX);
  if (createHash('sha256').update(audio).digest('hex') !== work.audioSha256)
    place.misread(place.process, assignment, work.audioPath);
  if (episode.isKiller) {
    await pass(place, episode.transcribeMs / 2, context);
    place.process.crash();
    await place.process.gate();
  }
  await listen(place, assignment, episode, context);
  for (const name of ['transcript.txt', 'transcript.srt', 'transcript.vtt', 'transcript.json'])
    await staging.writeText(name, textOf(assignment, name));
  return staging.finish(place.agent, null, {});
}

/** The second half alone, where an earlier attempt at the run has left a checkpoint of the first. */
async function listen(
  place: WorkerPlace,
  assignment: Assignment,
  { transcribeMs }: WorldEpisode,
  context: JobContext,
): Promise<void> {
  const { library, process } = place;
  const checkpoints = libraryCheckpoints(library, assignment);
  const [of, key] = [ofRun(assignment), CHECKPOINT_KEY];
  const earlier = await checkpoints.read(key, context.signal);
  if (earlier === null) {
    await process.clock.sleep(transcribeMs / 2, context.signal);
    const milliseconds = Math.floor(transcribeMs / 2);
    const name = checkpointName({ run: assignment.job.run, key, milliseconds });
    await checkpoints.write(name, Buffer.from(of), context.signal);
  } else if (Buffer.from(earlier).toString() === of) {
    place.resumed(process, assignment);
  } else place.misread(process, assignment, 'a checkpoint of another run');
  context.progress(0.5);
  await process.clock.sleep(transcribeMs / 2, context.signal);
}

function ofRun({ cluster, job }: Assignment): string {
  return `${cluster} ${job.feed}.${job.episode}.${job.stage} ${job.run}`;
}

async function pass({ process }: WorkerPlace, ms: number, context: JobContext): Promise<void> {
  await process.clock.sleep(ms / 2, context.signal);
  context.progress(0.5);
  await process.clock.sleep(ms / 2, context.signal);
}

/** Tells each attempt's files from every other's. */
function textOf({ cluster, session, job }: Assignment, name: string): string {
  return `${cluster} ${job.feed}.${job.episode}.${job.stage} ${job.run} ${job.token} ${session} ${name}`;
}
