import { ok, type Result } from '@podctl/domain/result.ts';
import {
  type AgentServiceServer,
  AgentServiceService,
  type ListAgentsRequest,
  type ListAgentsResponse,
} from '@podctl/proto/podctl/v1/agent.ts';
import { agentViews } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import { agentMessage } from './agent-map.ts';
import type { Handlers } from './handler.ts';
import { pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

export const agentServiceDefinition = AgentServiceService;

export function agentService(fleet: Fleet, handlers: Handlers): AgentServiceServer {
  return {
    listAgents: handlers.unary('ListAgents', async (request) => listAgents(fleet, request)),
  };
}

function listAgents(fleet: Fleet, request: ListAgentsRequest): Result<ListAgentsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const views = agentViews(fleet.picture());
  const { items, nextPageToken } = takePage(views, ({ record }) => record.agent, page.value);
  return ok({ agents: items.map(agentMessage), nextPageToken });
}
