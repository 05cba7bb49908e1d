import type { Cordon } from '@podctl/proto/podctl/v1/agent.ts';
import type { CoordinatorClient } from '../client.ts';
import { countWords } from '../render/words.ts';
import { retryAll } from '../retry-rounds.ts';
import { cordonView } from '../views/agent-map.ts';
import type { WatchActions } from './watch-action.ts';

const REASON = 'asked for in podctl watch';

/** What the keys of the live table change, by the calls of the API. Each gives a sentence: what changed. */
export function fleetActions(client: CoordinatorClient): WatchActions {
  return {
    async pause_feed(id) {
      const { changed } = await client.feeds.pause(id);
      return changed.length === 0
        ? `${id} was paused already`
        : `paused ${id}: no more of its jobs begin`;
    },
    async resume_feed(id) {
      const { changed } = await client.feeds.resume(id);
      return changed.length === 0 ? `${id} was not paused` : `resumed ${id}`;
    },
    retry_failed: (id) => retried(client, id),
    async cordon_agent(id) {
      const { changed, cordon } = await client.cordonAgent(id, REASON);
      return changed
        ? `cordoned ${id}: it gets no new work`
        : `${id} was ${kindOf(cordon)} already`;
    },
    async uncordon_agent(id) {
      const { changed } = await client.uncordonAgent(id);
      return changed ? `uncordoned ${id}` : `${id} was given work all along`;
    },
    async drain_agent(id) {
      const { jobs, cordon } = await client.drainAgent({
        agentId: id,
        reason: REASON,
        deadline: undefined,
      });
      return kindOf(cordon) === 'drained'
        ? `${id} is drained: it idles`
        : `${id} drains: ${countWords(jobs.length, 'job')} left`;
    },
  };
}

function kindOf(cordon: Cordon | undefined): string {
  return cordon === undefined ? 'cordoned' : cordonView(cordon).kind;
}

async function retried(client: CoordinatorClient, feedId: string): Promise<string> {
  const { requested } = await retryAll(client.feeds, { feedId, failed: true, dead: true });
  return requested === 0
    ? `nothing of ${feedId} failed`
    : `${countWords(requested, 'job')} of ${feedId} tried again`;
}
