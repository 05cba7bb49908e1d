import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type ListLocksRequest,
  type ListLocksResponse,
  type LockServiceServer,
  LockServiceService,
} from '@podctl/proto/podctl/v1/lock.ts';
import { type LockView, lockViews } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { Handlers } from './handler.ts';
import { lockMessage } from './lock-map.ts';
import { joinedKey, pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

export const lockServiceDefinition = LockServiceService;

export function lockService(fleet: Fleet, handlers: Handlers): LockServiceServer {
  return {
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

function keyOf({ feed, episode, stage }: LockView): string {
  return joinedKey(feed, episode, stage);
}
