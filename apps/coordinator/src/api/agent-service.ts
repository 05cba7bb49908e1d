import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  type AgentServiceServer,
  AgentServiceService,
  type GetAgentRequest,
  type GetAgentResponse,
  type ListAgentsRequest,
  type ListAgentsResponse,
} from '@podctl/proto/podctl/v1/agent.ts';
import { agentViews } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import { agentMessage } from './agent-map.ts';
import { hintFrom } from './did-you-mean.ts';
import type { Handlers } from './handler.ts';
import { pageOf, takePage } from './page.ts';
import type { Failure } from './status.ts';

export const agentServiceDefinition = AgentServiceService;

export function agentService(fleet: Fleet, handlers: Handlers): AgentServiceServer {
  return {
    listAgents: handlers.unary('ListAgents', async (request) => listAgents(fleet, request)),
    getAgent: handlers.unary('GetAgent', async (request) => getAgent(fleet, request)),
  };
}

function listAgents(fleet: Fleet, request: ListAgentsRequest): Result<ListAgentsResponse, Failure> {
  const page = pageOf(request);
  if (!page.ok) return page;
  const views = agentViews(fleet.picture());
  const { items, nextPageToken } = takePage(views, ({ record }) => record.agent, page.value);
  return ok({ agents: items.map(agentMessage), nextPageToken });
}

/** What was asked for stands in no answer: only the name of a known agent is ever shown back. */
function getAgent(fleet: Fleet, { agentId }: GetAgentRequest): Result<GetAgentResponse, Failure> {
  const views = agentViews(fleet.picture());
  const found = views.find(({ record }) => record.agent === agentId);
  if (found !== undefined) return ok({ agent: agentMessage(found) });
  const names = views.map(({ record }) => record.agent);
  return err({
    kind: 'not_found',
    reason: 'AGENT_NOT_FOUND',
    message: 'no agent has that name',
    hint: hintFrom(agentId, names, 'podctl agent list shows them'),
  });
}
