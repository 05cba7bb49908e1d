import type { ManifestDetail } from '@podctl/domain/manifest.ts';
import type { PublisherWork } from '@podctl/domain/protocol.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { WindowAgreement } from '@podctl/domain/transcript/agreement.ts';
import {
  isTimed,
  publisherFormOf,
  type TimedForm,
} from '@podctl/domain/transcript/publisher-form.ts';
import { primaryLanguage } from '@podctl/domain/transcript/publisher-offer.ts';
import {
  coverageOf,
  PUBLISHER_BYTES_MAX,
  readPublisherTranscript,
} from '@podctl/domain/transcript/publisher-reader.ts';
import type { Transcript, TranscriptSegment } from '@podctl/domain/transcript/transcript.ts';
import type { LoadedModel } from './raw-transcript.ts';
import type { MadeBy, TranscribeWork } from './transcript-of.ts';

/** Of the words of a window; what small models mishear and editors leave out is below it, another text far above. */
export const ERROR_RATE_MAX = 0.35;
/** Of the audio, that the publisher's text must cover. */
export const COVERED_SHARE_MIN = 0.9;
/** In one piece without text: longer than music at the start, shorter than a part that is missing. */
export const GAP_SECONDS_MAX = 120;
/** Of all the audio, in a second: twice what the fastest say. Each word costs time to lay out, in every form. */
const LETTERS_MAX = 50;
/** Windows in which something is said. */
const JUDGED_MIN = 2;

export type PublisherDetails = Readonly<Record<string, ManifestDetail>>;

/** Why the publisher's is not taken: a word for machines, and a sentence for people. */
export interface Declined {
  readonly code:
    | 'engine'
    | 'length'
    | 'form'
    | 'language'
    | 'file'
    | 'times'
    | 'sample'
    | 'words'
    | 'disagrees';
  readonly why: string;
}

/** The publisher's text, read and worth a sample. */
export interface Candidate {
  readonly form: TimedForm;
  readonly segments: readonly TranscriptSegment[];
  readonly coveredShare: number;
}

/** What can be said before its file is read. `form` is that of the file's name. */
export function judgeOffer(
  publisher: PublisherWork,
  { language, audioSeconds }: Pick<TranscribeWork, 'language' | 'audioSeconds'>,
  canHearParts: boolean,
): Result<{ readonly form: TimedForm; readonly audioSeconds: number }, Declined> {
  const form = publisherFormOf(publisher.path.split('/').at(-1) ?? '');
  if (form === null || !isTimed(form))
    return declined('form', `It is ${form ?? 'of an unknown form'}, without times.`);
  if (audioSeconds === null || audioSeconds <= 0)
    return declined('length', 'How long the audio is was not found out when it was downloaded.');
  if (publisher.sizeBytes > PUBLISHER_BYTES_MAX)
    return declined(
      'file',
      `It has ${publisher.sizeBytes} bytes; at most ${PUBLISHER_BYTES_MAX} are read.`,
    );
  const [spoken, written] = [primaryLanguage(language), primaryLanguage(publisher.language)];
  if (spoken !== null && written !== null && spoken !== written)
    return declined('language', `It is in ${written}, and ${spoken} is spoken.`);
  return canHearParts
    ? ok({ form, audioSeconds })
    : declined(
        'engine',
        'The engine cannot listen to a part of the audio, so no sample can be taken.',
      );
}

/** What its text alone tells. */
export function readCandidate(
  form: TimedForm,
  text: string,
  audioSeconds: number,
): Result<Candidate, Declined> {
  const segments = readPublisherTranscript(form, text, audioSeconds);
  if (segments.length === 0) return declined('times', 'Nothing in it has times that can be read.');
  const letters = segments.reduce((sum, segment) => sum + segment.text.length, 0);
  if (letters > LETTERS_MAX * audioSeconds)
    return declined(
      'times',
      `It has ${letters} letters for ${Math.round(audioSeconds)} s of audio: nobody says more than ${LETTERS_MAX} in a second.`,
    );
  const { share, gapSecondsMax } = coverageOf(segments, audioSeconds);
  if (share < COVERED_SHARE_MIN)
    return declined(
      'times',
      `It covers ${percent(share)} of the audio; at least ${percent(COVERED_SHARE_MIN)} are wanted.`,
    );
  return gapSecondsMax <= GAP_SECONDS_MAX
    ? ok({ form, segments, coveredShare: share })
    : declined(
        'times',
        `It has no text for ${Math.round(gapSecondsMax)} s; at most ${GAP_SECONDS_MAX} s may be without.`,
      );
}

/** Whether one window settles it: it is as good as the whole that no further one need be listened to. */
export function disagrees({ errorRate }: WindowAgreement): boolean {
  return errorRate !== null && errorRate > ERROR_RATE_MAX;
}

/** Null: all agree. */
export function judgeSamples(samples: readonly WindowAgreement[]): Declined | null {
  const bad = samples.find(disagrees);
  if (bad !== undefined)
    return {
      code: 'disagrees',
      why: `From ${Math.round(bad.fromSeconds)} to ${Math.round(bad.toSeconds)} s ${percent(bad.errorRate ?? 1)} of the words that were heard are not in it; at most ${percent(ERROR_RATE_MAX)} may be.`,
    };
  const judged = samples.filter(({ errorRate }) => errorRate !== null);
  return judged.length >= JUDGED_MIN
    ? null
    : { code: 'words', why: 'Too little is said where it was sampled.' };
}

/** The figures of the check, for the manifest and the provenance. */
export function checkDetails(
  { url, sha256 }: PublisherWork,
  candidate: Candidate | null,
  samples: readonly WindowAgreement[],
): PublisherDetails {
  const rates = samples.flatMap(({ errorRate }) => (errorRate === null ? [] : [errorRate]));
  const words = samples.reduce((sum, { heardWords }) => sum + heardWords, 0);
  const seconds = samples.reduce((sum, one) => sum + one.toSeconds - one.fromSeconds, 0);
  return {
    publisherUrl: url,
    publisherSha256: sha256,
    ...(candidate === null
      ? {}
      : {
          publisherForm: candidate.form,
          publisherCoveredShare: hundredths(candidate.coveredShare),
        }),
    ...(samples.length === 0
      ? {}
      : {
          publisherSamples: samples.length,
          publisherSampledSeconds: hundredths(seconds),
          publisherSampledWords: words,
        }),
    ...(rates.length === 0 ? {} : { publisherErrorRateWorst: hundredths(Math.max(...rates)) }),
  };
}

/** The publisher's transcript as it is kept in the place of an engine's. */
export function publishedTranscript(
  work: TranscribeWork,
  candidate: Candidate,
  check: {
    readonly model: LoadedModel;
    readonly language: string;
    readonly audioSeconds: number;
    readonly details: PublisherDetails;
  },
  by: MadeBy,
): Transcript {
  const { engine, model } = check.model;
  return {
    language: check.language,
    languageProbability: null,
    durationSeconds: check.audioSeconds,
    segments: candidate.segments,
    provenance: {
      engine: PUBLISHER_ENGINE,
      engineVersion: candidate.form,
      ...{ model: 'unknown', modelRevision: '', computeType: '', device: '' },
      parameters: { ...check.details, publisherCheckedBy: `${engine} ${model}` },
      audioSha256: work.audioSha256,
      ...by,
    },
  };
}

/** In the place of the engine's name. */
export const PUBLISHER_ENGINE = 'publisher';

/** Of the text, for the seconds of speech that a manifest tells. */
export function spokenSeconds(segments: readonly TranscriptSegment[]): number {
  let toSeconds = 0;
  let seconds = 0;
  for (const { startSeconds, endSeconds } of segments) {
    seconds += Math.max(0, endSeconds - Math.max(toSeconds, startSeconds));
    toSeconds = Math.max(toSeconds, endSeconds);
  }
  return seconds;
}

export function declined(code: Declined['code'], why: string): Result<never, Declined> {
  return err({ code, why });
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}
