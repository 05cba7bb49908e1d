import { CHECKPOINT_KEY_LENGTH, CHECKPOINTS_MAX } from '@podctl/domain/checkpoint-name.ts';
import { agentId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { LANGUAGE_WAYS, type ProbedLanguage } from './decoding.ts';
import type { HeardPart, LoadedModel, RawSegment, RawTranscript } from './raw-transcript.ts';

/**
 * What was heard so far of long audio, so that a later attempt of the same run goes on behind it. It is written and read by
 * whoever holds the job, so nothing in one is believed that could not have been heard: of another run, audio or parameters,
 * torn, or with times outside of its audio, it is no checkpoint, and the audio is heard from its start.
 */
export interface CheckpointOf {
  readonly run: number;
  readonly audioSha256: string;
  /** SHA-256 of `decisiveParameters`, hex. */
  readonly parameters: string;
}

/** Decoders and containers differ by a little about how long audio is, and engines about where its last word ends. */
const SLACK_SECONDS = 30;
const SLACK_SHARE = 0.05;
const SEGMENTS_MAX = 500_000;
const PARTS_MAX = 256;
const PROBES_MAX = 8;
/** As far as the engine looks for a language (language_probe.py). */
const LOOKED_SECONDS_MAX = 900;
const TEXT_LENGTH_MAX = 64;
const ELAPSED_MS_MAX = 1e11;

/** What decides which words come out, as one text, the same for the same values. Not the batch nor how numbers are rounded: those
 * change with memory from one attempt to the next, and what was heard stays good. */
export function decisiveParameters(
  { engine, model, revision }: LoadedModel,
  parameters: Readonly<Record<string, unknown>>,
): string {
  return JSON.stringify(sorted({ engine, model, revision, parameters }));
}

/** For the file's name: where two are alike in these digits, what the file says tells them apart. */
export function checkpointKey({ audioSha256, parameters }: CheckpointOf): string {
  const half = CHECKPOINT_KEY_LENGTH / 2;
  return audioSha256.slice(0, half) + parameters.slice(0, half);
}

/** Audio of a length that nobody knows may be long. */
export function isLong(audioSeconds: number | null, afterSeconds: number): boolean {
  return audioSeconds === null || audioSeconds > afterSeconds;
}

/** Whether what is heard up to `seconds` is worth a checkpoint: a pass leaves CHECKPOINTS_MAX of them, spread over its audio. */
export function isCheckpointDue(
  seconds: number,
  last: { readonly seconds: number; readonly count: number },
  audioSeconds: number | null,
): boolean {
  if (last.count >= CHECKPOINTS_MAX) return false;
  // Of unknown length: ever farther apart, so that so many reach five hundred times as far as the first.
  const apartSeconds = audioSeconds === null ? seconds / 5 : audioSeconds / CHECKPOINTS_MAX;
  return seconds > last.seconds && seconds - last.seconds >= apartSeconds;
}

/** What an attempt heard behind what earlier ones had. Times and sums are of the whole. */
export function joined(
  earlier: RawTranscript | null,
  later: RawTranscript,
  by: Pick<HeardPart, 'agent' | 'device' | 'computeType'>,
): RawTranscript {
  const fromSeconds = earlier?.durationSeconds ?? 0;
  const { durationSeconds: toSeconds, elapsedMs } = later;
  const part: HeardPart = { ...by, fromSeconds, toSeconds, elapsedMs };
  const parts = [...(earlier?.parts ?? []), part];
  if (earlier === null) return { ...later, parts };
  return {
    ...later,
    parts,
    segments: [...earlier.segments, ...later.segments],
    language: earlier.language ?? later.language,
    languageProbability:
      earlier.language === null ? later.languageProbability : earlier.languageProbability,
    languageBy: earlier.language === null ? later.languageBy : earlier.languageBy,
    languageProbes: earlier.language === null ? later.languageProbes : earlier.languageProbes,
    speechSeconds: earlier.speechSeconds + later.speechSeconds,
    elapsedMs: earlier.elapsedMs + elapsedMs,
  };
}

export function encodeCheckpoint(of: CheckpointOf, heard: RawTranscript): string {
  const { run, audioSha256, parameters } = of;
  return JSON.stringify({ format: FORMAT, version: 1, run, audioSha256, parameters, heard });
}

const FORMAT = 'podctl-checkpoint';

/**
 * The error says what is wrong with it, for the log.
 *
 * @param segmentFrom throws on what is no segment of the engine's.
 */
export function decodeCheckpoint(
  text: string,
  expected: CheckpointOf,
  audioSeconds: number | null,
  segmentFrom: (value: unknown) => RawSegment,
): Result<RawTranscript, string> {
  try {
    const raw = recordOf(JSON.parse(text), 'it');
    check(raw.format === FORMAT && raw.version === 1, 'it is no checkpoint of this version');
    for (const name of ['run', 'audioSha256', 'parameters'] as const)
      check(raw[name] === expected[name], `its ${name} is another one`);
    return ok(heardFrom(recordOf(raw.heard, 'heard'), audioSeconds, segmentFrom));
  } catch (error) {
    return err(error instanceof Error ? error.message : 'it cannot be read');
  }
}

function heardFrom(
  raw: Record<string, unknown>,
  audioSeconds: number | null,
  segmentFrom: (value: unknown) => RawSegment,
): RawTranscript {
  const longest =
    audioSeconds === null
      ? Number.MAX_SAFE_INTEGER
      : audioSeconds * (1 + SLACK_SHARE) + SLACK_SECONDS;
  const durationSeconds = numberIn(raw.durationSeconds, 0, longest, 'its length');
  check(durationSeconds > 0, 'it has no length');
  return {
    durationSeconds,
    segments: segmentsFrom(
      listOf(raw.segments, 'segments', SEGMENTS_MAX),
      segmentFrom,
      durationSeconds,
    ),
    language: languageFrom(raw.language),
    languageProbability: orNull(raw.languageProbability, (value) =>
      numberIn(value, 0, 1, 'languageProbability'),
    ),
    languageBy: LANGUAGE_WAYS.find((way) => way === raw.languageBy),
    languageProbes: probesFrom(raw.languageProbes, durationSeconds),
    speechSeconds: numberIn(raw.speechSeconds, 0, durationSeconds + SLACK_SECONDS, 'speechSeconds'),
    elapsedMs: numberIn(raw.elapsedMs, 0, ELAPSED_MS_MAX, 'elapsedMs'),
    parts: partsFrom(listOf(raw.parts, 'parts', PARTS_MAX), durationSeconds),
  };
}

function segmentsFrom(
  values: readonly unknown[],
  segmentFrom: (value: unknown) => RawSegment,
  durationSeconds: number,
): readonly RawSegment[] {
  const end = durationSeconds + SLACK_SECONDS;
  let startBefore = 0;
  return values.map((value) => {
    const segment = segmentFrom(value);
    for (const span of [segment, ...segment.words]) {
      numberIn(span.start, 0, end, 'a start');
      numberIn(span.end, span.start, end, 'an end');
    }
    check(segment.start >= startBefore, 'its segments are not in order');
    startBefore = segment.start;
    return segment;
  });
}

/** Without gap or overlap, from the start of the audio to the checkpoint. */
function partsFrom(values: readonly unknown[], durationSeconds: number): readonly HeardPart[] {
  let reached = 0;
  const parts = values.map((value): HeardPart => {
    const raw = recordOf(value, 'a part');
    const fromSeconds = numberIn(raw.fromSeconds, reached, reached, 'the start of a part');
    const toSeconds = numberIn(raw.toSeconds, fromSeconds, durationSeconds, 'the end of a part');
    reached = toSeconds;
    const agent = agentId(textOf(raw.agent, 'agent'));
    check(agent.ok, 'an agent’s name is none');
    return {
      agent: textOf(raw.agent, 'agent'),
      device: textOf(raw.device, 'device'),
      computeType: textOf(raw.computeType, 'computeType'),
      ...{ fromSeconds, toSeconds },
      elapsedMs: numberIn(raw.elapsedMs, 0, ELAPSED_MS_MAX, 'elapsedMs of a part'),
    };
  });
  check(reached === durationSeconds, 'its parts do not reach its end');
  return parts;
}

/** They may lie further in than what is heard by then. */
function probesFrom(value: unknown, durationSeconds: number): RawTranscript['languageProbes'] {
  if (value === undefined) return undefined;
  return listOf(value, 'languageProbes', PROBES_MAX).map((one): ProbedLanguage => {
    const raw = recordOf(one, 'a look');
    return {
      atSeconds: numberIn(raw.atSeconds, 0, durationSeconds + LOOKED_SECONDS_MAX, 'a look'),
      language: languageFrom(raw.language) ?? '',
      probability: numberIn(raw.probability, 0, 1, 'probability'),
    };
  });
}

function languageFrom(value: unknown): string | null {
  return orNull(value, (language) => {
    check(/^[a-z]{2,3}$/.test(String(language)), 'its language is none');
    return textOf(language, 'language');
  });
}

function orNull<T>(value: unknown, from: (value: unknown) => T): T | null {
  return value === null ? null : from(value);
}

function numberIn(value: unknown, least: number, most: number, what: string): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new Error(`${what} is no number from ${least} to ${most}`);
}

function textOf(value: unknown, what: string): string {
  if (typeof value === 'string' && value.length <= TEXT_LENGTH_MAX) return value;
  throw new Error(`${what} is no text of at most ${TEXT_LENGTH_MAX}`);
}

function listOf(value: unknown, what: string, countMax: number): readonly unknown[] {
  if (Array.isArray(value) && value.length <= countMax) return value;
  throw new Error(`${what} is no list of at most ${countMax}`);
}

function recordOf(value: unknown, what: string): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return { ...value };
  throw new Error(`${what} is no object`);
}

function check(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Error(otherwise);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}
