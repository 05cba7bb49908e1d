import type { EpisodeId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import {
  type ListLocksRequest,
  type ListLocksResponse,
  type LockServiceServer,
  LockServiceService,
  type ReleaseLockRequest,
  type ReleaseLockResponse,
} from '@podctl/proto/podctl/v1/lock.ts';
import { type LockView, lockViews } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import { findEpisode } from './episode-finder.ts';
import type { Handlers } from './handler.ts';
import { lockMessage } from './lock-map.ts';
import { joinedKey, pageOf, takePage } from './page.ts';
import { stageOf } from './stage-map.ts';
import type { Failure } from './status.ts';

export const lockServiceDefinition = LockServiceService;

export function lockService(fleet: Fleet, handlers: Handlers): LockServiceServer {
  return {
    releaseLock: handlers.unary('ReleaseLock', (request) => releaseLock(fleet, request)),
    listLocks: handlers.unary('ListLocks', async (request) => listLocks(fleet, request)),
  };
}

function listLocks(fleet: Fleet, request: ListLocksRequest): Result<ListLocksResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const views = lockViews(fleet.picture()).sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const { items, nextPageToken } = takePage(views, keyOf, page.value);
  return ok({ locks: items.map(lockMessage), nextPageToken });
}

async function releaseLock(
  fleet: Fleet,
  request: ReleaseLockRequest,
): Promise<Result<ReleaseLockResponse, Failure>> {
  const found = findEpisode(fleet.picture().snapshot, request.episodeId);
  if (!found.ok) return found;
  const stage = stageOf(request.stage);
  if (stage === null)
    return err({
      kind: 'invalid',
      field: 'stage',
      message: 'stage is not set',
      hint: 'give download or transcribe',
    });
  const { feed, episode, state } = found.value;
  const { lock } = state.stages[stage];
  const asked = Number(request.token);
  const holds = lock.state === 'held' || lock.state === 'committed';
  if (!holds || (asked !== 0 && asked !== lock.token)) return err(notHeld(episode, stage));
  const released = await fleet.orders.releaseLock({ feed, episode, stage, token: lock.token });
  switch (released.kind) {
    case 'released': {
      const revision = BigInt(released.revision);
      return ok({ token: BigInt(lock.token), agentId: lock.agent, revision });
    }
    case 'committed':
      return err({
        kind: 'precondition',
        reason: 'RESULT_ACCEPTED',
        message: `the result of ${stage} of episode ${episode} is accepted and is being published: it cannot be taken back`,
      });
    case 'not_held':
      return err(notHeld(episode, stage));
  }
}

function notHeld(episode: EpisodeId, stage: Stage): Failure {
  return {
    kind: 'not_found',
    reason: 'LOCK_NOT_HELD',
    message: `nobody holds the lock of ${stage} of episode ${episode} with that token`,
    hint: 'podctl lock list shows what is held',
  };
}

function keyOf({ feed, episode, stage }: LockView): string {
  return joinedKey(feed, episode, stage);
}
