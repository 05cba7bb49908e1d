import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type HostServiceServer,
  HostServiceService,
  type ListHostsRequest,
  type ListHostsResponse,
} from '@podctl/proto/podctl/v1/host.ts';
import { hostViews } from '../core/host-view.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { Handlers } from './handler.ts';
import { hostMessage } from './host-map.ts';
import { pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

export const hostServiceDefinition = HostServiceService;

export function hostService(fleet: Fleet, handlers: Handlers): HostServiceServer {
  return { listHosts: handlers.unary('ListHosts', async (request) => listHosts(fleet, request)) };
}

function listHosts(fleet: Fleet, request: ListHostsRequest): Result<ListHostsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const { items, nextPageToken } = takePage(
    hostViews(fleet.picture()),
    ({ host }) => host,
    page.value,
  );
  return ok({ hosts: items.map(hostMessage), nextPageToken });
}
