import {
  CHOICE_LIMITS,
  changedLabels,
  type FeedLabels,
  isLanguage,
  isModelName,
  labelProblem,
} from '@podctl/domain/feed-choices.ts';
import { parseKeepAudio } from '@podctl/domain/keep-audio.ts';

/** What a request chooses for a feed. */
export interface AskedChoices {
  readonly priority?: number | undefined;
  readonly bookScore?: number | undefined;
  readonly model?: string | undefined;
  readonly language?: string | undefined;
  readonly labels: FeedLabels;
  readonly keepAudio?: string | undefined;
}

export interface ChoiceProblem {
  /** As the .proto file names it. */
  readonly field: string;
  /** One sentence. */
  readonly problem: string;
}

/** The first thing that is wrong with what is chosen; null when nothing is. Empty model and language are the fleet's. */
export function choiceProblem(asked: AskedChoices): ChoiceProblem | null {
  const { priority = 0, bookScore = 1, model = '', language = '', labels } = asked;
  const { priorityMax } = CHOICE_LIMITS;
  if (Math.abs(priority) > priorityMax)
    return {
      field: 'priority',
      problem: `the priority ${priority} is not -${priorityMax} to ${priorityMax}`,
    };
  if (bookScore < 1 || bookScore > 10)
    return {
      field: 'book_score',
      problem: `the book score ${bookScore} is not 1 to 10: leave it out when it is unknown`,
    };
  if (model !== '' && !isModelName(model))
    return {
      field: 'model',
      problem: 'the model is no name of one: give one such as small.en, or owner/name',
    };
  if (language !== '' && !isLanguage(language))
    return {
      field: 'language',
      problem: 'the language is none of two or three letters: give one such as en',
    };
  if (asked.keepAudio && parseKeepAudio(asked.keepAudio) === null)
    return {
      field: 'keep_audio',
      problem: 'which audio stays is none of always, untilTranscribed, days:N and count:N',
    };
  const problem = labelsProblem(labels);
  return problem === null ? null : { field: 'labels', problem };
}

function labelsProblem(labels: FeedLabels): string | null {
  for (const [key, value] of Object.entries(labels)) {
    const problem = labelProblem(key, value);
    if (problem !== null) return problem;
  }
  const counted = changedLabels({}, labels, []);
  return counted.ok ? null : counted.error;
}
