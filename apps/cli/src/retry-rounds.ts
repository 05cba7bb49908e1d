import { inRounds } from './bulk-rounds.ts';
import type { FeedCalls, RetryChoice } from './feed-calls.ts';

export interface Retried {
  /** Jobs that could be tried again. */
  readonly matched: number;
  /** Jobs that are tried again. */
  readonly requested: number;
}

/**
 * Has all jobs of a choice tried again, of which a call takes some. What fails again meanwhile is not asked for a second
 * time: no more are taken than there were.
 *
 * @param told how many there are, before the first of them is asked for.
 */
export async function retryAll(
  calls: Pick<FeedCalls, 'retryEpisodes'>,
  choice: RetryChoice,
  told: (matched: number) => void = () => undefined,
): Promise<Retried> {
  const { matched } = await calls.retryEpisodes({ ...choice, validateOnly: true });
  if (matched === 0 || choice.validateOnly === true) return { matched, requested: 0 };
  told(matched);
  const answers = await inRounds(matched, () => calls.retryEpisodes(choice));
  return { matched, requested: answers.reduce((sum, answer) => sum + answer.requested, 0) };
}
