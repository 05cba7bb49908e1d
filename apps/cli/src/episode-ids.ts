import { CommandError, EXIT } from './command-error.ts';

/** The ids among the words of a command line. Throws CommandError (usage) when there is none, or more than `max`. */
export function episodeIds(argv: readonly unknown[], max: number): string[] {
  const ids = argv.map(String);
  if (ids.length === 0)
    throw new CommandError(
      EXIT.usage,
      'no episode was named; give ids, "podctl episode list" shows them',
    );
  if (ids.length > max)
    throw new CommandError(EXIT.usage, `${ids.length} episodes were named; name ${max} at most`);
  return ids;
}
