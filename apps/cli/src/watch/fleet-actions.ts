import type { CoordinatorClient } from '../client.ts';
import { countWords } from '../render/words.ts';
import type { WatchActions } from './watch-action.ts';

/** Rounds of a retry: each takes a few hundred jobs, and says how many are left. */
const ROUNDS_MAX = 100;
const REASON = 'asked for in podctl watch';

/** What the keys of the live table change, by the calls of the API. Each gives a sentence: what changed. */
export function fleetActions(client: CoordinatorClient): WatchActions {
  return {
    async pause_feed(id) {
      await client.feeds.pause(id);
      return `paused ${id}: no more of its jobs begin`;
    },
    async resume_feed(id) {
      await client.feeds.resume(id);
      return `resumed ${id}`;
    },
    retry_failed: (id) => retried(client, id),
    async cordon_agent(id) {
      await client.cordonAgent(id, REASON);
      return `cordoned ${id}: it gets no new work`;
    },
    async uncordon_agent(id) {
      await client.uncordonAgent(id);
      return `uncordoned ${id}`;
    },
    async drain_agent(id) {
      const { jobs } = await client.drainAgent({
        agentId: id,
        reason: REASON,
        deadline: undefined,
      });
      return jobs.length === 0
        ? `${id} is drained`
        : `${id} drains: ${countWords(jobs.length, 'job')} left`;
    },
  };
}

async function retried(client: CoordinatorClient, feedId: string): Promise<string> {
  let requested = 0;
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const answer = await client.feeds.retryEpisodes({ feedId, failed: true, dead: true });
    requested += answer.requested;
    if (answer.left === 0 || answer.requested === 0) break;
  }
  return requested === 0
    ? `nothing of ${feedId} failed`
    : `${countWords(requested, 'job')} of ${feedId} tried again`;
}
