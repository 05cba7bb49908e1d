import { labelProblem } from '@podctl/domain/feed-choices.ts';
import { CommandError, EXIT } from './command-error.ts';

/** Labels as `k=v`. Throws CommandError (usage). */
export function labelsOf(words: readonly string[] | undefined, flag: string): Labels {
  const labels: Record<string, string> = {};
  for (const word of words ?? []) {
    const at = word.indexOf('=');
    const problem =
      at < 1 ? 'expected key=value' : labelProblem(word.slice(0, at), word.slice(at + 1));
    if (problem !== null)
      throw new CommandError(EXIT.usage, `${flag} ${JSON.stringify(word)}: ${problem}`);
    labels[word.slice(0, at)] = word.slice(at + 1);
  }
  return labels;
}

export type Labels = { [key: string]: string };
