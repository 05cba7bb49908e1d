import { ListCommand } from '../../list-command.ts';
import { stateCell } from '../../render/agent-words.ts';
import type { Column } from '../../render/table.ts';
import { percentWords, sizeWords } from '../../render/words.ts';
import { type AgentLoadView, agentLoad } from '../../views/agent-load.ts';
import { agentView, type RunningJobView } from '../../views/agent-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class AgentTop extends ListCommand {
  static override summary = 'Show how busy each agent is: slots, GPUs, speed, what it works on.';
  static override description =
    'Agents that are there, the others are in "agent list". XRT: seconds of audio that what runs now transcribes in a second.';
  static override examples = [
    '<%= config.bin %> agent top',
    '<%= config.bin %> agent top -o wide',
    "<%= config.bin %> agent top --json | jq '.items[] | {agentId, speedRatio}'",
  ];

  async run(): Promise<ListDocument<AgentLoadView>> {
    const { flags } = await this.parse(AgentTop);
    const document = await this.collect(flags, async (client, page) => {
      const { agents, nextPageToken } = await client.listAgents(page);
      const nowMs = Date.now();
      const loads = agents.map((agent) => agentLoad(agentView(agent), nowMs));
      return { items: loads.filter((load) => load !== null), nextPageToken };
    });
    const none = 'No agent is there now: "podctl agent list" shows who was.';
    return this.table(document, columns, flags, none);
  }
}

const columns: readonly Column<AgentLoadView>[] = [
  { head: 'AGENT', cell: (load) => load.agentId },
  { head: 'STATE', cell: ({ state }) => stateCell({ state, cordon: null }) },
  { head: 'DL', cell: (load) => `${load.downloadsRunning}/${load.downloadSlots}`, align: 'right' },
  {
    head: 'TX',
    cell: (load) => `${load.transcriptionsRunning}/${load.transcribeSlots}`,
    align: 'right',
  },
  {
    head: 'GPU',
    cell: ({ gpuUtilizationRatio: ratio }) => (ratio === null ? '-' : `${percentWords(ratio)}%`),
    align: 'right',
  },
  { head: 'MEM', cell: memoryCell, align: 'right' },
  {
    head: 'XRT',
    cell: ({ speedRatio }) => (speedRatio === null ? '-' : `${speedRatio.toFixed(1)}x`),
    align: 'right',
  },
  { head: 'WORKS ON', cell: ({ jobs }) => jobsCell(jobs) },
  { head: 'EPISODES', cell: ({ jobs }) => episodesCell(jobs), wide: true },
];

function memoryCell({ gpuMemoryUsedBytes: used, gpuMemorySizeBytes: size }: AgentLoadView): string {
  if (size === null) return '-';
  return `${used === null ? '-' : sizeWords(used)}/${sizeWords(size)}`;
}

/** Each feed once, with how far its jobs are: `the-clockmakers 41% 12%`. */
function jobsCell(jobs: readonly RunningJobView[]): string {
  if (jobs.length === 0) return '-';
  const feeds = Map.groupBy(jobs, ({ feedId }) => feedId);
  return [...feeds]
    .map(
      ([feed, of]) => `${feed} ${of.map((job) => `${percentWords(job.progressRatio)}%`).join(' ')}`,
    )
    .join(', ');
}

function episodesCell(jobs: readonly RunningJobView[]): string {
  return jobs.map(({ stage, episodeId }) => `${stage} ${episodeId.slice(0, 8)}`).join(', ') || '-';
}
