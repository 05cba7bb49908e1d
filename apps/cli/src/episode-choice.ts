import * as Flags from '@oclif/core/flags';
import { CommandError, EXIT } from './command-error.ts';
import { idFlag } from './id-flag.ts';

/** Flags by which episodes are chosen in bulk. */
export const episodeChoiceFlags = {
  feed: idFlag({ description: 'only of this feed; with --dead or --failed' }),
  dead: Flags.boolean({ default: false, description: 'all of which something is dead' }),
  failed: Flags.boolean({
    default: false,
    description: 'all of which something failed and waits for its next attempt',
  }),
  'dry-run': Flags.boolean({
    default: false,
    description: 'change nothing: say how many there are',
  }),
};

export interface EpisodeChoice {
  readonly feedId: string;
  readonly dead: boolean;
  readonly failed: boolean;
}

interface ChoiceFlags {
  readonly feed?: string | undefined;
  readonly dead: boolean;
  readonly failed: boolean;
}

/**
 * What is chosen in bulk; null when episodes are named. Throws CommandError (usage) for both at once, and for a feed alone.
 *
 * @param verb what would be done, as in "to try again".
 */
export function episodeChoice(
  ids: readonly unknown[],
  { feed, dead, failed }: ChoiceFlags,
  verb: string,
): EpisodeChoice | null {
  const isBulk = dead || failed;
  if (ids.length > 0 && (isBulk || feed !== undefined))
    throw new CommandError(
      EXIT.usage,
      'episodes were named, and chosen by --feed, --dead or --failed too; give one or the other',
    );
  if (feed !== undefined && !isBulk)
    throw new CommandError(
      EXIT.usage,
      `--feed alone does not say what to ${verb}; add --dead, --failed or both`,
    );
  return isBulk ? { feedId: feed ?? '', dead, failed } : null;
}
