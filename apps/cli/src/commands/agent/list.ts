import { ListCommand } from '../../list-command.ts';
import { stateCell } from '../../render/agent-words.ts';
import {
  gpuDrivers,
  gpuMemory,
  gpuProducts,
  gpuTemperature,
  gpuUtilization,
} from '../../render/gpu-words.ts';
import type { Column } from '../../render/table.ts';
import { type AgentView, agentView } from '../../views/agent-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class AgentList extends ListCommand {
  static override summary = 'List agents and what they work on.';
  static override examples = [
    '<%= config.bin %> agent list',
    '<%= config.bin %> agent list -o wide',
    "<%= config.bin %> agent list --json | jq '.items[] | {agentId, state}'",
  ];

  async run(): Promise<ListDocument<AgentView>> {
    const { flags } = await this.parse(AgentList);
    const document = await this.collect(flags, async (client, page) => {
      const { agents, nextPageToken } = await client.listAgents(page);
      return { items: agents.map(agentView), nextPageToken };
    });
    const none = 'No agent has said hello yet: start one with "podctl up" or "podctl agent run".';
    return this.table(document, columns(this.timeCell(flags)), flags, none);
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<AgentView>[] {
  return [
    { head: 'AGENT', cell: (agent) => agent.agentId },
    { head: 'STATE', cell: stateCell },
    { head: 'HOST', cell: (agent) => agent.host },
    { head: 'HEARD', cell: (agent) => timeOf(agent.lastHeartbeatAt), align: 'right' },
    { head: 'DOWNLOADS', cell: (agent) => slots(agent, 'download'), align: 'right' },
    { head: 'TRANSCRIPTIONS', cell: (agent) => slots(agent, 'transcribe'), align: 'right' },
    { head: 'ENGINE', cell: (agent) => agent.engine },
    { head: 'PROBLEM', cell: (agent) => agent.problem || agent.gpuProblem },
    { head: 'GPU', cell: ({ gpus }) => gpuProducts(gpus), wide: true },
    { head: 'UTIL', cell: ({ gpus }) => gpuUtilization(gpus), align: 'right', wide: true },
    { head: 'MEM', cell: ({ gpus }) => gpuMemory(gpus), align: 'right', wide: true },
    { head: 'TEMP', cell: ({ gpus }) => gpuTemperature(gpus), align: 'right', wide: true },
    { head: 'DRIVER', cell: ({ gpus }) => gpuDrivers(gpus), wide: true },
    { head: 'VERSION', cell: (agent) => agent.version, wide: true },
    { head: 'SESSION', cell: (agent) => agent.session, wide: true },
  ];
}

/** `running/slots` of a stage. */
function slots(agent: AgentView, stage: 'download' | 'transcribe'): string {
  const running = agent.jobs.filter((job) => job.stage === stage).length;
  return `${running}/${stage === 'download' ? agent.downloadSlots : agent.transcribeSlots}`;
}
