import * as Flags from '@oclif/core/flags';
import { FILTER_LIMITS } from '@podctl/domain/feed/episode-filter.ts';
import type { WantedEpisodes } from '@podctl/proto/podctl/v1/feed.ts';
import { CommandError, EXIT } from './command-error.ts';
import { spanMs } from './duration-flag.ts';
import { integerFlag } from './integer-flag.ts';
import { sinceFlag } from './since-flag.ts';

const helpGroup = 'EPISODES';

/** A length of audio: `90s`, `20m`, `1.5h`, or 0. Throws CommandError (usage). */
const lengthFlag = Flags.custom<number>({
  helpValue: '20m',
  parse: async (text, _, { name }) => {
    const ms = text === '0' ? 0 : spanMs(text);
    if (ms !== null && ms / 1_000 <= FILTER_LIMITS.durationSecondsMax) return ms / 1_000;
    throw new CommandError(
      EXIT.usage,
      `--${name} ${JSON.stringify(text)} is no length; give a number with s, m or h, e.g. 20m, or 0 for any`,
    );
  },
});

/** Which of a feed's episodes are wanted. */
export const wantedFlags = {
  'title-match': Flags.string({
    helpGroup,
    helpValue: 'REGEX',
    description: 'only titles in which this is found (RE2, any case); empty: any',
  }),
  'title-skip': Flags.string({
    helpGroup,
    helpValue: 'REGEX',
    description: 'no titles in which this is found (RE2, any case); empty: none',
  }),
  since: sinceFlag({
    helpGroup,
    description: 'only those published since (30d, 2026-01-01), and those without a date',
  }),
  'max-episodes': integerFlag({
    helpGroup,
    min: 0,
    max: FILTER_LIMITS.episodesMax,
    description: 'the newest so many at each reading; what was wanted stays so; 0: all',
  }),
  'min-duration': lengthFlag({
    helpGroup,
    description: 'only those so long at least, and those whose length the feed does not tell',
  }),
  'max-duration': lengthFlag({ helpGroup, description: 'only those so long at most' }),
  season: integerFlag({
    helpGroup,
    min: 0,
    max: FILTER_LIMITS.seasonMax,
    multiple: true,
    multipleNonGreedy: true,
    description: 'only this season; may be given several times',
  }),
  'episode-type': Flags.string({
    helpGroup,
    multiple: true,
    multipleNonGreedy: true,
    options: ['full', 'trailer', 'bonus'],
    description: 'only this type of episode; may be given several times',
  }),
};

/** What the engine is told. */
export const engineWordFlags = {
  prompt: Flags.string({
    helpValue: 'TEXT',
    description: 'told to the engine before it listens: names, and how they are spelled',
  }),
  hotwords: Flags.string({
    helpValue: 'TEXT',
    description: 'words that the engine should expect',
  }),
};

export interface WantedFlagValues {
  readonly 'title-match'?: string | undefined;
  readonly 'title-skip'?: string | undefined;
  readonly since?: Date | undefined;
  readonly 'max-episodes'?: number | undefined;
  readonly 'min-duration'?: number | undefined;
  readonly 'max-duration'?: number | undefined;
  readonly season?: readonly number[] | undefined;
  readonly 'episode-type'?: readonly string[] | undefined;
}

const ALL: WantedEpisodes = {
  titleMatch: '',
  titleSkip: '',
  episodesMax: 0,
  seasons: [],
  episodeTypes: [],
};

const NAMES = [
  'title-match',
  'title-skip',
  'since',
  'max-episodes',
  'min-duration',
  'max-duration',
  'season',
  'episode-type',
] as const satisfies readonly (keyof WantedFlagValues)[];

export function hasWantedFlags(flags: WantedFlagValues): boolean {
  return NAMES.some((name) => flags[name] !== undefined);
}

/** What the flags make of what was wanted before; all episodes where nothing was chosen. */
export function wantedOf(flags: WantedFlagValues, before: WantedEpisodes = ALL): WantedEpisodes {
  return {
    titleMatch: flags['title-match'] ?? before.titleMatch,
    titleSkip: flags['title-skip'] ?? before.titleSkip,
    publishedSince: flags.since ?? before.publishedSince,
    episodesMax: flags['max-episodes'] ?? before.episodesMax,
    minDurationSeconds: flags['min-duration'] ?? before.minDurationSeconds,
    maxDurationSeconds: flags['max-duration'] ?? before.maxDurationSeconds,
    seasons: [...(flags.season ?? before.seasons)],
    episodeTypes: [...(flags['episode-type'] ?? before.episodeTypes)],
  };
}
