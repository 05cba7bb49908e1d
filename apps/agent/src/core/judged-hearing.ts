import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import { type Hallucination, hallucinations } from '@podctl/domain/transcript/hallucination.ts';
import { QUALITY_MEASURES, type Quality, qualityOf } from '@podctl/domain/transcript/quality.ts';
import type { Decoding } from './decoding.ts';
import type { RawTranscript } from './raw-transcript.ts';
import { segmentOf, type TranscribeWork } from './transcript-of.ts';

/** What an engine heard, without what nobody said, and how far it is to be trusted. */
export interface JudgedHearing {
  readonly raw: RawTranscript;
  readonly dropped: Dropped;
  /** Null: nobody spoke and nothing was written. */
  readonly quality: Quality | null;
}

export interface Dropped {
  readonly segments: number;
  readonly seconds: number;
  /** Why, each once, in words of hallucination.ts. */
  readonly why: readonly Hallucination[];
}

/** Takes out what the engine made up, and judges the rest. Pure. */
export function judgedHearing(work: TranscribeWork, heard: RawTranscript): JudgedHearing {
  const verdicts = hallucinations(heard.segments.map(segmentOf));
  const kept = heard.segments.filter((_, i) => verdicts[i] === null);
  const gone = heard.segments.filter((_, i) => verdicts[i] !== null);
  const seconds = gone.reduce((sum, { start, end }) => sum + Math.max(0, end - start), 0);
  // What was "detected" where nothing was said is no language.
  const isSilent = kept.length === 0 && gone.length > 0;
  const raw = {
    ...heard,
    segments: kept,
    // Not all of it, where nothing is left: somebody may speak whom the model did not understand, which is worth nothing.
    speechSeconds: Math.max(0, heard.speechSeconds - seconds),
    ...(isSilent ? { language: null, languageProbability: null } : {}),
  };
  const why = [...new Set(verdicts.filter((verdict) => verdict !== null))];
  const dropped = { segments: gone.length, seconds, why };
  return { raw, dropped, quality: qualityFor(work, raw, raw.speechSeconds) };
}

function qualityFor(work: TranscribeWork, raw: RawTranscript, speechSeconds: number) {
  const segments = raw.segments.map(segmentOf);
  return qualityOf({ segments, speechSeconds, language: work.language ?? raw.language });
}

/**
 * How the second pass listens: it tries a window again that comes out as a loop or doubtful, and hears fainter speech. Each
 * temperature costs such a window five samples: three of Whisper’s six bound what a hopeless one costs.
 */
export const SECOND_DECODING: Decoding = {
  sequential: true,
  temperature: [0, 0.4, 0.8],
  conditionOnPreviousText: false,
  vadThreshold: 0.35,
};

/** Whether a first pass is poor enough for a second one; `min` 0: never. What has no quality has nothing to mend. */
export function isPoor({ quality }: JudgedHearing, min: number): boolean {
  return quality !== null && quality.figure < min;
}

export interface TwoPasses {
  readonly first: JudgedHearing;
  readonly second: JudgedHearing;
  readonly kept: 1 | 2;
}

/**
 * Which of two passes is kept: the second where it is better. Both are judged by the most speech that either heard: else the
 * one that heard less would seem to have missed less.
 */
export function betterOf(
  work: TranscribeWork,
  first: JudgedHearing,
  second: JudgedHearing,
): TwoPasses {
  const speechSeconds = Math.max(first.raw.speechSeconds, second.raw.speechSeconds);
  const again = (one: JudgedHearing) => ({
    ...one,
    quality: qualityFor(work, one.raw, speechSeconds),
  });
  const both = { first: again(first), second: again(second) };
  const isBetter = (both.second.quality?.figure ?? 0) > (both.first.quality?.figure ?? 0);
  return { ...both, kept: isBetter ? 2 : 1 };
}

/** How the passes of a transcription came out: `failed` is the code of a second pass that broke. */
export type Passes =
  | { readonly kind: 'one'; readonly kept: JudgedHearing }
  | { readonly kind: 'two'; readonly passes: TwoPasses }
  | { readonly kind: 'failed'; readonly kept: JudgedHearing; readonly code: string };

export function keptOf(passes: Passes): JudgedHearing {
  if (passes.kind !== 'two') return passes.kept;
  const { first, second, kept } = passes.passes;
  return kept === 1 ? first : second;
}

/** What the manifest tells of it. */
export function qualityDetails(passes: Passes): Readonly<Record<string, ManifestDetail>> {
  const { quality, dropped } = keptOf(passes);
  const measured = QUALITY_MEASURES.map(
    (name) => [`quality.${name}`, rounded(quality?.measures[name] ?? null)] as const,
  );
  return {
    quality: quality?.figure ?? null,
    ...(quality === null ? {} : Object.fromEntries(measured)),
    ...passDetails(passes),
    ...(dropped.segments === 0
      ? {}
      : {
          droppedSegments: dropped.segments,
          droppedSeconds: rounded(dropped.seconds),
          droppedFor: dropped.why.join(', '),
        }),
  };
}

function passDetails(passes: Passes): Readonly<Record<string, ManifestDetail>> {
  switch (passes.kind) {
    case 'one':
      return {};
    case 'failed':
      return { secondPass: `failed: ${passes.code}` };
    case 'two': {
      const { first, second, kept } = passes.passes;
      return {
        secondPass: kept === 2 ? 'kept' : 'not better',
        qualityFirst: first.quality?.figure ?? null,
        qualitySecond: second.quality?.figure ?? null,
      };
    }
  }
}

/** What the provenance tells beside what was asked for: how the language was found, and how the kept pass listened. */
export function hearingParameters(passes: Passes) {
  const { languageBy, languageProbes = [] } = keptOf(passes).raw;
  const looks = languageProbes.map(
    ({ language, probability, atSeconds }) =>
      `${language} ${probability.toFixed(2)} at ${atSeconds.toFixed(0)} s`,
  );
  const isSecond = passes.kind === 'two' && passes.passes.kept === 2;
  return {
    ...(languageBy === undefined ? {} : { languageBy }),
    ...(looks.length === 0 ? {} : { languageProbes: looks.join(', ') }),
    ...(isSecond ? { pass: 2, vad: true, ...flat(SECOND_DECODING) } : {}),
  };
}

function flat(decoding: Decoding): Readonly<Record<string, string | number | boolean>> {
  return Object.fromEntries(
    Object.entries(decoding).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.join(', ') : value,
    ]),
  );
}

function rounded(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Math.round(value * 1_000) / 1_000;
}
