import type { FeedCalls, RetryChoice } from './feed-calls.ts';

export interface Retried {
  /** Jobs that could be tried again. */
  readonly matched: number;
  /** Jobs that are tried again. */
  readonly requested: number;
}

/** Each takes a few hundred jobs: more than any library has. */
const ROUNDS_MAX = 10_000;

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
  let [requested, done] = [0, 0];
  for (let round = 0; round < ROUNDS_MAX && done < matched; round += 1) {
    const answer = await calls.retryEpisodes(choice);
    requested += answer.requested;
    const taken = answer.matched - answer.left;
    if (answer.left === 0 || taken <= 0) break;
    done += taken;
  }
  return { matched, requested };
}
