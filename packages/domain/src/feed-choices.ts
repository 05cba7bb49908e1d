import type { EpisodeFilter } from './feed/episode-filter.ts';
import type { EpisodeId } from './ids.ts';
import type { KeepAudio } from './keep-audio.ts';
import { err, ok, type Result } from './result.ts';

/** What people chose for a feed. */
export interface FeedChoices {
  /** None of its jobs begins; it is polled all the same, so that nothing is missed. */
  readonly paused: boolean;
  /** −10 to 10; the higher goes first. */
  readonly priority: number;
  readonly labels: FeedLabels;
  /** The transcription model for its episodes; null is the fleet's. */
  readonly model: string | null;
  /** The language that is spoken in it; null is the fleet's. */
  readonly language: string | null;
  /** Episodes that go before all others, the first one first. */
  readonly first: readonly EpisodeId[];
  /** Which of its episodes are wanted; absent: all. */
  readonly filter?: EpisodeFilter | undefined;
  /** What the engine is told before it listens: names, spelling; absent: nothing. */
  readonly prompt?: string | undefined;
  /** Words that the engine should expect; absent: none. */
  readonly hotwords?: string | undefined;
  /** Which of its audio stays; absent is the fleet's. */
  readonly keepAudio?: KeepAudio | undefined;
}

export type FeedLabels = { readonly [key: string]: string };

export const NO_CHOICES: FeedChoices = {
  paused: false,
  priority: 0,
  labels: {},
  model: null,
  language: null,
  first: [],
};

export const CHOICE_LIMITS = {
  priorityMax: 10,
  labelsMax: 16,
  modelLengthMax: 100,
  /** The engine reads no more of it than this, about: half of what a model hears at a time. */
  promptLengthMax: 1_000,
  hotwordsLengthMax: 1_000,
  /** Episodes of a feed that may go first: they stand in its record, which each poll writes. */
  firstMax: 100,
} as const;

const labelKeyPattern = /^[a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?$/;
const labelValuePattern = /^[A-Za-z0-9](?:[A-Za-z0-9 ._@:/-]{0,61}[A-Za-z0-9])?$|^$/;
/** A model's name, or owner/name of one. */
const modelPattern = /^[A-Za-z0-9][A-Za-z0-9._-]*(?:\/[A-Za-z0-9][A-Za-z0-9._-]*)?$/;
/** ISO 639: what the engine takes. */
const languagePattern = /^[a-z]{2,3}$/;

/** What is wrong with a label, one clause; null when nothing is. */
export function labelProblem(key: string, value: string): string | null {
  if (!labelKeyPattern.test(key))
    return 'a label has a key that is not 1 to 63 of a-z, 0-9, dot, slash, hyphen and underscore';
  if (!labelValuePattern.test(value))
    return `label ${key} has a value that is not 0 to 63 letters, digits, spaces and . _ @ : / -`;
  return null;
}

export function isModelName(text: string): boolean {
  return text.length <= CHOICE_LIMITS.modelLengthMax && modelPattern.test(text);
}

export function isLanguage(text: string): boolean {
  return languagePattern.test(text);
}

/** The labels after a change; what is removed and set is set. Errors are one sentence. */
export function changedLabels(
  labels: FeedLabels,
  set: FeedLabels,
  remove: readonly string[],
): Result<FeedLabels, string> {
  const kept = Object.entries(labels).filter(([key]) => !remove.includes(key));
  const sorted = Object.entries({ ...Object.fromEntries(kept), ...set });
  sorted.sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length > CHOICE_LIMITS.labelsMax)
    return err(`it would have ${sorted.length} labels: give ${CHOICE_LIMITS.labelsMax} at most`);
  return ok(Object.fromEntries(sorted));
}

/** Whether a feed has all of the labels that are asked for. */
export function hasLabels(labels: FeedLabels, asked: FeedLabels): boolean {
  return Object.entries(asked).every(([key, value]) => labels[key] === value);
}
