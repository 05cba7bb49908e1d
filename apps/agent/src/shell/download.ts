import { SNIFF_BYTES, sniff } from '@podctl/domain/audio-kind.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { ManifestFile } from '@podctl/domain/manifest.ts';
import type { ResultOutcome, Work } from '@podctl/domain/protocol.ts';
import { err, invariant, ok, type Result } from '@podctl/domain/result.ts';
import { type AudioFacts, readAudioFacts } from '@podctl/platform/audio-facts.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Dispatcher } from 'undici';
import type { Assignment } from '../core/assignment.ts';
import type { DownloadFault } from '../core/http-answer.ts';
import type { Attempt, AttemptStore } from './attempt-store.ts';
import { fault, type HttpAudio, networkFault, openHttpAudio } from './http-audio.ts';
import { failure, type JobContext, returned, type Worker } from './jobs.ts';

export interface DownloadLimits {
  /** Less is no episode. The seed's floor is 100 KB. */
  readonly floorBytes: number;
  readonly bytesMax: number;
  readonly idleMs: number;
  readonly totalMs: number;
  /** Stays free on the disk that attempts are written to. */
  readonly freeBytesMin: number;
  /** How long to wait for space before the job is given back. */
  readonly spaceWaitMs: number;
}

/** Somebody has to make room first; at once it would only come back, again and again. */
const OPERATOR_WAIT_MS = 60_000;

export interface DownloadPorts {
  readonly store: AttemptStore;
  readonly dispatcher: Dispatcher;
  readonly userAgent: string;
  readonly limits: DownloadLimits;
  readonly clock: Clock;
  readonly agent: AgentId;
  readonly received: (bytes: number) => void;
}

type DownloadWork = Extract<Work, { kind: 'download' }>;

/** Progress is the share of the bytes; what follows them (reading the audio, the manifest) is the rest. */
const BYTES_SHARE = 0.95;
const SPACE_CHECK_MS = 5_000;

/** GETs an episode's audio into staging: `audio.<ext>` by its content, `metadata.json`, then the manifest. */
export function downloadWorker(ports: DownloadPorts): Worker {
  return async (assignment, context) => {
    const { work } = assignment;
    invariant(work.kind === 'download', 'a download job has download work');
    if (!(await hasSpace(ports, context.signal)))
      return returned('The disk is nearly full: free some space.', 'no_space', OPERATOR_WAIT_MS);
    // The time that a download may take is the host's, not that of the way into the library.
    const limit = totalLimit(ports);
    const signal = AbortSignal.any([context.signal, limit.signal]);
    try {
      await using attempt = await ports.store.begin(assignment, context);
      const of = { attempt, assignment, work, whole: limit.lift };
      return await download(ports, of, { ...context, signal });
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

/** Aborts once the time is over, unless it was lifted before. */
function totalLimit({ clock, limits }: DownloadPorts) {
  const [passed, lifted] = [new AbortController(), new AbortController()];
  void clock.sleep(limits.totalMs, lifted.signal).then(
    () => passed.abort(),
    () => undefined,
  );
  return { signal: passed.signal, lift: () => lifted.abort() };
}

interface Task {
  readonly attempt: Attempt;
  readonly assignment: Assignment;
  readonly work: DownloadWork;
  /** To be called when all that the host sends is there. */
  readonly whole: () => void;
}

async function download(
  ports: DownloadPorts,
  task: Task,
  context: JobContext,
): Promise<ResultOutcome> {
  const { attempt, assignment, work } = task;
  const { dispatcher, userAgent, clock, limits } = ports;
  const { signal } = context;
  const nowMs = clock.wallMs();
  const options = { dispatcher, userAgent, idleMs: limits.idleMs, nowMs, signal };
  const opened = await openHttpAudio(work.url, options);
  if (!opened.ok) return faulted(opened.error);
  const audio = opened.value;
  context.log.info({ bytes: audio.lengthBytes }, 'The host answers with audio');
  try {
    const stored = await store(ports, task, audio, context);
    if (!stored.ok) return faulted(stored.error);
    const { file, facts } = stored.value;
    const { codec, seconds } = facts;
    context.log.info(
      { file: file.name, bytes: file.sizeBytes, codec, seconds },
      'The audio is whole',
    );
    const metadata = metadataOf(assignment, work, file, facts, nowMs);
    await attempt.writeText('metadata.json', `${JSON.stringify(metadata, null, 2)}\n`);
    return await attempt.finish(ports.agent, facts.seconds, {
      codec: facts.codec,
      container: facts.container,
      etag: audio.etag?.slice(0, 200) ?? null,
      url: withoutSecrets(work.url).slice(0, 1_000),
    });
  } finally {
    audio.close();
  }
}

/** Takes the body into staging when its content is audio. A fault leaves no part of it there. */
async function store(
  ports: DownloadPorts,
  { attempt, whole }: Task,
  audio: HttpAudio,
  context: JobContext,
): Promise<Result<{ file: ManifestFile; facts: AudioFacts }, DownloadFault>> {
  const chunks = audio.body[Symbol.asyncIterator]();
  const head = await firstBytes(chunks);
  const kind = sniff(head);
  if (kind.kind === 'page')
    return err(fault('web_page', `The host sent a web page (${kind.what}) instead of audio.`));
  const extension = kind.kind === 'audio' ? kind.extension : 'bin';
  const source = checked(ports, audio.lengthBytes, head, chunks, context);
  const file = await attempt.write(`audio.${extension}`, source);
  whole();
  const facts = await readAudioFacts(await attempt.localPath(file.name));
  if (!facts.ok) return err(fault('undecodable', facts.error));
  return ok({ file, facts: facts.value });
}

async function firstBytes(chunks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  const head: Uint8Array[] = [];
  for (let sizeBytes = 0; sizeBytes < SNIFF_BYTES; ) {
    const next = await chunks.next();
    if (next.done) break;
    head.push(next.value);
    sizeBytes += next.value.length;
  }
  return Buffer.concat(head);
}

/** The bytes as they come, counted. Throws a `DownloadError` before the end of what must not be kept. */
async function* checked(
  ports: DownloadPorts,
  lengthBytes: number | null,
  head: Uint8Array,
  chunks: AsyncIterator<Uint8Array>,
  context: JobContext,
): AsyncGenerator<Uint8Array> {
  const { floorBytes, bytesMax } = ports.limits;
  let sizeBytes = 0;
  let chunk: Uint8Array | null = head;
  while (chunk !== null) {
    sizeBytes += chunk.length;
    ports.received(chunk.length);
    if (sizeBytes > bytesMax)
      throw new DownloadError(fault('too_large', `The audio is larger than ${bytesMax} bytes.`));
    if (lengthBytes !== null && lengthBytes > 0)
      context.progress((sizeBytes / lengthBytes) * BYTES_SHARE);
    yield chunk;
    const next = await chunks.next().catch((error: unknown) => {
      throw new DownloadError(brokenOff(error, sizeBytes, lengthBytes));
    });
    chunk = next.done ? null : next.value;
  }
  if (lengthBytes !== null && sizeBytes !== lengthBytes)
    throw new DownloadError(shortRead(sizeBytes, lengthBytes));
  if (sizeBytes < floorBytes)
    throw new DownloadError(
      fault('too_small', `The audio has ${sizeBytes} bytes; at least ${floorBytes} were expected.`),
    );
}

function brokenOff(error: unknown, sizeBytes: number, lengthBytes: number | null): DownloadFault {
  const network = networkFault(error);
  return network.code === 'stalled' || lengthBytes === null
    ? network
    : shortRead(sizeBytes, lengthBytes);
}

function shortRead(sizeBytes: number, lengthBytes: number): DownloadFault {
  return fault('short_read', `The host sent ${sizeBytes} of ${lengthBytes} bytes.`);
}

/** What lies beside the audio for whoever reads the archive without us. */
function metadataOf(
  assignment: Assignment,
  work: DownloadWork,
  file: ManifestFile,
  facts: AudioFacts,
  nowMs: number,
) {
  const { feed, episode } = assignment.job;
  const { feedTitle, title, guid, publishedMs } = work.episode;
  return {
    feed,
    feedTitle,
    episode,
    guid,
    title,
    published: publishedMs === null ? null : isoTime(publishedMs),
    url: withoutSecrets(work.url),
    downloaded: isoTime(nowMs),
    file: file.name,
    bytes: file.sizeBytes,
    sha256: file.sha256,
    durationSeconds: facts.seconds,
    codec: facts.codec,
    container: facts.container,
  };
}

/** Null for what a date cannot hold. */
function isoTime(epochMs: number): string | null {
  return Math.abs(epochMs) <= 8.64e15 ? new Date(epochMs).toISOString() : null;
}

/** Waits a while for space, so that a full disk does not make jobs go round and round. */
async function hasSpace(ports: DownloadPorts, signal: AbortSignal): Promise<boolean> {
  const { freeBytesMin, spaceWaitMs } = ports.limits;
  for (let waitedMs = 0; ; waitedMs += SPACE_CHECK_MS) {
    const freeBytes = await ports.store.freeBytes();
    if (freeBytes === null || freeBytes >= freeBytesMin) return true;
    if (waitedMs >= spaceWaitMs) return false;
    await ports.clock.sleep(Math.min(SPACE_CHECK_MS, spaceWaitMs), signal);
  }
}

class DownloadError extends Error {
  readonly fault: DownloadFault;
  constructor(reason: DownloadFault) {
    super(reason.reason);
    this.name = 'DownloadError';
    this.fault = reason;
  }
}

function outcomeOf(error: unknown): ResultOutcome {
  if (error instanceof DownloadError) return faulted(error.fault);
  if (!(error instanceof LibraryError)) return faulted(networkFault(error));
  // A library that is full or away is not the episode's fault.
  if (error.code === 'full' || error.code === 'offline')
    return returned(
      `The library cannot take the audio: ${error.message}.`,
      `library_${error.code}`,
      OPERATOR_WAIT_MS,
    );
  return failure(`library_${error.code}`, `The library did not take the audio: ${error.message}.`);
}

function faulted({ code, reason, retryAfterMs, final }: DownloadFault): ResultOutcome {
  return failure(code, reason, { retryAfterMs, final });
}
