import * as Flags from '@oclif/core/flags';
import { CHOICE_LIMITS } from '@podctl/domain/feed-choices.ts';
import { integerFlag } from './integer-flag.ts';

/** What may be chosen for a feed when it is added. */
export const feedChoiceFlags = {
  label: Flags.string({
    multiple: true,
    multipleNonGreedy: true,
    helpValue: 'K=V',
    description: 'a label; may be given several times',
  }),
  priority: integerFlag({
    min: -CHOICE_LIMITS.priorityMax,
    max: CHOICE_LIMITS.priorityMax,
    description: 'jobs of a feed with a higher one begin first, -10 to 10 (0)',
  }),
  'book-score': integerFlag({
    min: 1,
    max: 10,
    description: 'how densely the show recommends books, 1 to 10',
  }),
  model: Flags.string({
    description: "transcription model for its episodes; by default the fleet's",
  }),
  language: Flags.string({
    helpValue: 'en',
    description: "language spoken in it, ISO 639; by default the fleet's",
  }),
  'keep-audio': Flags.string({
    helpValue: 'RULE',
    description:
      "which of its audio stays: always, untilTranscribed, days:N or count:N; by default the fleet's",
  }),
  'dry-run': Flags.boolean({ default: false, description: 'change nothing: say what would be' }),
};

/** The same of a feed that is there: what is not named stays as it is. */
export const feedChangeFlags = {
  ...feedChoiceFlags,
  priority: integerFlag({
    min: -CHOICE_LIMITS.priorityMax,
    max: CHOICE_LIMITS.priorityMax,
    description: 'jobs of a feed with a higher one begin first, -10 to 10',
  }),
  model: Flags.string({
    description: "transcription model for its episodes; empty: the fleet's again",
  }),
  language: Flags.string({
    helpValue: 'en',
    description: "language spoken in it, ISO 639; empty: the fleet's again",
  }),
  'keep-audio': Flags.string({
    helpValue: 'RULE',
    description:
      "which of its audio stays: always, untilTranscribed, days:N or count:N; empty: the fleet's again",
  }),
};
