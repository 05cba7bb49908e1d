import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { ManifestFile } from '@podctl/domain/manifest.ts';
import type { ResultOutcome, Work } from '@podctl/domain/protocol.ts';
import { err, invariant, ok, type Result } from '@podctl/domain/result.ts';
import {
  type AudioFacts,
  factsOfFrames,
  isFramed,
  readContainerFacts,
} from '@podctl/platform/audio-facts.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { codeOf } from '@podctl/platform/library/synced-folder.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Dispatcher } from 'undici';
import type { Assignment } from '../core/assignment.ts';
import type { DownloadFault } from '../core/http-answer.ts';
import { failure, returned } from '../core/outcome.ts';
import type { Attempt, AttemptStore } from './attempt-store.ts';
import { type IntakeLimits, takeAudio } from './audio-intake.ts';
import type { Bandwidth } from './bandwidth.ts';
import type { DiskReserve } from './disk-reserve.ts';
import { bitsPerSecond, METADATA_NAME, metadataText } from './episode-metadata.ts';
import {
  fault,
  type HttpAudio,
  networkFault,
  openHttpAudio,
  type ResumeWish,
} from './http-audio.ts';
import type { JobContext, Worker } from './jobs.ts';
import { type PartFile, PartTaken } from './part-file.ts';
import type { ClaimedPart, PartFiles } from './part-files.ts';
import { keepPublisherTranscript } from './publisher-fetch.ts';
import { TimeLimit } from './time-limit.ts';

export interface DownloadLimits extends IntakeLimits {
  readonly idleMs: number;
  readonly totalMs: number;
  /** How long to wait for space before the job is given back. */
  readonly spaceWaitMs: number;
}

/** Somebody has to make room first; at once it would only come back, again and again. */
const OPERATOR_WAIT_MS = 60_000;

export interface DownloadPorts {
  readonly store: AttemptStore;
  readonly parts: PartFiles;
  readonly disk: DiskReserve;
  readonly bandwidth: Bandwidth;
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  readonly limits: DownloadLimits;
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly received: (bytes: number) => void;
  /** So many bytes of a part did not have to be asked for again. */
  readonly resumed?: (bytes: number) => void;
  /** How it went with a transcript of the publisher's, where there was one to be had. */
  readonly publisher?: (outcome: 'kept' | 'failed') => void;
}

type DownloadWork = Extract<Work, { kind: 'download' }>;

/** Progress is the share of the bytes; what follows them (reading the audio, the manifest) is the rest. */
const BYTES_SHARE = 0.95;
const SPACE_CHECK_MS = 5_000;
/** With the part, then all of it; a host that has yet another file each time is not asked for ever. */
const TRIES_MAX = 3;

/** GETs an episode's audio into staging: `audio.<ext>` by its content, `metadata.json`, what the publisher wrote of it, then the manifest. */
export function downloadWorker(ports: DownloadPorts): Worker {
  return async (assignment, context) => {
    const { work } = assignment;
    invariant(work.kind === 'download', 'a download job has download work');
    if (!(await hasSpace(ports, context.signal))) return noSpace();
    // The time that a download may take is the host's, not that of the way into the library.
    const limit = new TimeLimit(ports.clock, ports.limits.totalMs);
    const signal = AbortSignal.any([context.signal, limit.signal]);
    try {
      await using attempt = await ports.store.begin(assignment, context);
      await ports.parts.sweep();
      const { feed, episode } = assignment.job;
      const part = await ports.parts.claim(feed, episode);
      const of = { attempt, assignment, work, part, limit };
      return await withPart(ports, of, { ...context, signal });
    } catch (error) {
      if (context.signal.aborted) throw error;
      if (limit.signal.aborted)
        return failure(
          'too_slow',
          `The download took longer than ${ports.limits.totalMs / 1000} s.`,
        );
      return outcomeOf(error);
    } finally {
      limit.lift();
    }
  };
}

interface Task {
  readonly attempt: Attempt;
  readonly assignment: Assignment;
  readonly work: DownloadWork;
  readonly part: ClaimedPart;
  readonly limit: TimeLimit;
}

/** However it ends, the part is of nobody afterwards: adopted, left for the next attempt, or gone. */
async function withPart(
  ports: DownloadPorts,
  task: Task,
  context: JobContext,
): Promise<ResultOutcome> {
  const { part, attempt, assignment, work } = task;
  let isWorthless = false;
  try {
    const got = await download(ports, task, context);
    isWorthless = !got.ok && !got.error.isPart;
    if (!got.ok) return faulted(got.error.fault);
    const { file, facts, audio } = got.value;
    const { codec, seconds, container } = facts;
    context.log.info(
      { file: file.name, bytes: file.sizeBytes, codec, seconds },
      'The audio is whole',
    );
    const nowMs = ports.clock.wallMs();
    await attempt.writeText(METADATA_NAME, metadataText(assignment, work, file, facts, nowMs));
    const { transcripts = [] } = work;
    const published = await keepPublisherTranscript(ports, attempt, transcripts, context);
    const finished = await attempt.finish(ports.agent, seconds, {
      codec,
      container,
      bitsPerSecond: bitsPerSecond(file.sizeBytes, facts),
      etag: audio.etag?.slice(0, 200) ?? null,
      url: withoutSecrets(work.url).slice(0, 1_000),
      ...published,
    });
    return audio.host === null ? finished : { ...finished, host: audio.host };
  } catch (error) {
    // What is cut off is gone on with; of a full disk a part would only take more.
    isWorthless ||= isFull(error);
    throw error;
  } finally {
    await (isWorthless ? part.file.remove() : part.file.leave());
    part.release();
  }
}

interface Got {
  readonly file: ManifestFile;
  readonly facts: AudioFacts;
  readonly audio: HttpAudio;
}

interface NotGot {
  readonly fault: DownloadFault;
  /** What came so far may be gone on with. */
  readonly isPart: boolean;
}

async function download(
  ports: DownloadPorts,
  task: Task,
  context: JobContext,
): Promise<Result<Got, NotGot>> {
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const wish = tries === 1 ? await task.part.file.resume(context.signal) : null;
    const got = await tryOnce(ports, task, wish, context);
    if (got !== 'restart') return got;
  }
  return notGot('range', UNSTABLE);
}

async function tryOnce(
  ports: DownloadPorts,
  task: Task,
  wish: ResumeWish | null,
  context: JobContext,
): Promise<Result<Got, NotGot> | 'restart'> {
  const { dispatcher, userAgent, clock, limits } = ports;
  const { signal, log } = context;
  const options = { dispatcher, userAgent, idleMs: limits.idleMs, nowMs: clock.wallMs(), signal };
  const opened = await openHttpAudio(task.work.url, options, wish);
  if (!opened.ok) return err({ fault: opened.error, isPart: isWorthKeeping(opened.error) });
  const audio = opened.value;
  const { startBytes, lengthBytes: bytes, host } = audio;
  log.info({ bytes, startBytes }, startBytes === 0 ? 'The host answers' : 'The download goes on');
  try {
    if (startBytes === 0) await task.part.file.restart(null);
    else ports.resumed?.(startBytes);
    const got = await store(ports, task, audio, context);
    if (got === 'restart' || got.ok) return got;
    return err({ ...got.error, fault: { ...got.error.fault, host } });
  } finally {
    audio.close();
  }
}

const UNSTABLE = 'The host sends other audio each time it is asked, and none of it whole.';

/** A host that is away has nothing to do with the part; one that says that there is nothing has. */
function isWorthKeeping({ status, final }: DownloadFault): boolean {
  return !final && status !== 404;
}

/** Takes the body into staging when its content is audio. A fault leaves nothing of it there. */
async function store(
  ports: DownloadPorts,
  { attempt, part: { file: part, path }, limit }: Task,
  audio: HttpAudio,
  context: JobContext,
): Promise<Result<Got, NotGot> | 'restart'> {
  const { clock, limits, received } = ports;
  const { lengthBytes, startBytes } = audio;
  if (lengthBytes !== null && lengthBytes > limits.bytesMax)
    return notGot(
      'too_large',
      `The audio has ${lengthBytes} bytes; at most ${limits.bytesMax} are taken.`,
    );
  using room = await ports.disk.reserve(Math.max(0, (lengthBytes ?? 0) - startBytes));
  if (room === null) throw new LibraryError('full', NO_ROOM);
  let writtenBytes = part.sizeBytes;
  const progress = (sizeBytes: number) => {
    room.wrote(sizeBytes - writtenBytes);
    writtenBytes = sizeBytes;
    if (lengthBytes !== null && lengthBytes > 0)
      context.progress((sizeBytes / lengthBytes) * BYTES_SHARE);
  };
  const { signal } = context;
  const bandwidth = {
    // The host is not slow while we hold it back.
    pace: (...of: Parameters<Bandwidth['pace']>) =>
      limit.without(() => ports.bandwidth.pace(...of)),
  };
  const roomOf = lengthBytes === null ? roomWatch(ports.disk) : async () => undefined;
  const intake = { clock, limits, bandwidth, received, progress, room: roomOf, signal };
  const end = await takeAudio(intake, audio, part);
  if (end.kind === 'restart') return 'restart';
  if (end.kind === 'fault') return err(end);
  limit.lift();
  const measured = await measure(part, end.extension);
  if (!measured.ok) return notGot(measured.error.code, measured.error.reason);
  const written = await part.finish();
  const file = await attempt.adopt(`audio.${end.extension}`, path, written);
  // Before the attempt can be accepted: from now on nobody may write to what is the same file under two names.
  await part.remove();
  return ok({ file, facts: measured.value, audio });
}

const NO_ROOM = 'the disk has no room for the audio above library.freeFloor';
const ROOM_CHECK_BYTES = 64 * 1024 * 1024;

/** For what has no length: nothing can be set aside for it, and it may be of any size. */
function roomWatch(disk: DiskReserve): (sizeBytes: number) => Promise<void> {
  let checkedBytes = 0;
  return async (sizeBytes) => {
    if (sizeBytes - checkedBytes < ROOM_CHECK_BYTES) return;
    checkedBytes = sizeBytes;
    using room = await disk.reserve(0);
    if (room === null) throw new LibraryError('full', NO_ROOM);
  };
}

function notGot(code: string, reason: string): Result<Got, NotGot> {
  return err({ fault: fault(code, reason), isPart: false });
}

/** Frames were counted as they came, and nothing else can tell of a stream without a container; the rest is read. */
async function measure(part: PartFile, extension: string) {
  const framed = factsOfFrames(part.frames.sum());
  const isKnown = extension !== 'bin';
  if (isFramed(extension) || (framed.ok && !isKnown)) return framed;
  await part.flush();
  return readContainerFacts(part.place, isKnown);
}

/** Waits a while for space, so that a full disk does not make jobs go round and round. */
async function hasSpace(ports: DownloadPorts, signal: AbortSignal): Promise<boolean> {
  const { spaceWaitMs } = ports.limits;
  for (let waitedMs = 0; ; waitedMs += SPACE_CHECK_MS) {
    if (await ports.disk.isOpen()) return true;
    await ports.parts.sweep(0);
    if (waitedMs >= spaceWaitMs) return false;
    await ports.clock.sleep(Math.min(SPACE_CHECK_MS, spaceWaitMs), signal);
  }
}

function noSpace(): ResultOutcome {
  return returned('The disk is nearly full: free some space.', 'no_space', OPERATOR_WAIT_MS);
}

function isFull(error: unknown): boolean {
  if (error instanceof LibraryError) return error.code === 'full';
  return ['ENOSPC', 'EDQUOT'].includes(codeOf(error));
}

function outcomeOf(error: unknown): ResultOutcome {
  if (isFull(error)) return noSpace();
  if (error instanceof PartTaken) return returned(TAKEN_WORDS, 'part_taken', OPERATOR_WAIT_MS);
  // Whatever the host did was a fault before: what the system says now is of files.
  if (!(error instanceof LibraryError)) {
    const code = codeOf(error);
    return /^E[A-Z0-9]+$/.test(code)
      ? returned(`The disk cannot take the audio (${code}).`, 'disk', OPERATOR_WAIT_MS)
      : faulted(networkFault(error));
  }
  // A library that is full or away is not the episode's fault.
  if (error.code === 'offline')
    return returned(
      `The library cannot take the audio: ${error.message}.`,
      `library_${error.code}`,
      OPERATOR_WAIT_MS,
    );
  return failure(`library_${error.code}`, `The library did not take the audio: ${error.message}.`);
}

const TAKEN_WORDS =
  'Another process writes to the parts of this agent’s downloads: give each agent an id of its own.';

function faulted({ code, reason, ...details }: DownloadFault): ResultOutcome {
  return failure(code, reason, details);
}
