import type { AgentView } from '../../views/agent-map.ts';
import {
  gpuFigures,
  gpuMemory,
  gpuProducts,
  gpuTemperature,
  gpuUtilization,
} from '../gpu-words.ts';
import { ageWords, percentWords } from '../words.ts';
import type { Tone } from './line.ts';
import { left, right, type ViewTable } from './view-table.ts';

export const agentTable: ViewTable<AgentView> = {
  source: ({ state }) => [state.agents],
  rows: ({ state }) => [...state.agents.values()],
  id: (agent) => agent.agentId,
  words: ({ agentId, host, state }) => `${agentId} ${host} ${state}`,
  hasProblem: (agent) => toneOf(agent) === 'bad' || toneOf(agent) === 'warn',
  sorts: [
    { name: 'need', by: needRank, descending: false },
    { name: 'agent', by: ({ agentId }) => agentId, descending: false },
    { name: 'jobs', by: ({ jobs }) => jobs.length, descending: true },
    { name: 'gpu', by: busiest, descending: true },
    { name: 'seen', by: ({ lastHeartbeatAt }) => lastHeartbeatAt ?? '', descending: false },
  ],
  columns: [
    left('AGENT', 14, 0, ({ agentId }) => agentId, { widthMax: 32 }),
    right('DL', 5, 0, (agent) => `${jobsOf(agent, 'download')}/${agent.downloadSlots}`),
    right('TX', 5, 0, (agent) => `${jobsOf(agent, 'transcribe')}/${agent.transcribeSlots}`),
    right('GPU', 7, 60, ({ gpus }) => gpuUtilization(gpus)),
    right('MEM', 13, 80, ({ gpus }) => gpuMemory(gpus)),
    right('TEMP', 6, 100, ({ gpus }) => gpuTemperature(gpus)),
    right('SEEN', 6, 60, ({ lastHeartbeatAt }, nowMs) => ageWords(lastHeartbeatAt, nowMs)),
    left('STATE', 9, 0, ({ state }) => stateWords(state), { tone: toneOf }),
    left('HOST', 10, 100, ({ host }) => host, { widthMax: 20 }),
    left('ENGINE', 16, 140, ({ engine }) => engine, { widthMax: 40 }),
    left('VERSION', 8, 200, ({ version }) => version),
    left('PROBLEM', 12, 80, ({ problem, gpuProblem }) => problem || gpuProblem, { widthMax: 60 }),
  ],
  empty: ({ state }) =>
    state.agents.size === 0
      ? 'no agent has joined: run "podctl agent token create --print-command"'
      : 'no agent fits: Esc shows all again',
  detail: (agent, _, nowMs) => [
    `${agent.agentId} on ${agent.host}, podctl ${agent.version}`,
    '',
    `state         ${stateWords(agent.state)}, heard ${ageWords(agent.lastHeartbeatAt, nowMs)} ago`,
    `engine        ${agent.engine || '-'}`,
    `downloads     ${jobsOf(agent, 'download')} of ${agent.downloadSlots}`,
    `transcribes   ${jobsOf(agent, 'transcribe')} of ${agent.transcribeSlots}`,
    ...(agent.gpus.length === 0 ? [] : [`GPUs          ${gpuProducts(agent.gpus)}`]),
    ...agent.gpus.map((gpu) => `  ${gpu.index}           ${gpuFigures(gpu)}`),
    ...[agent.problem, agent.gpuProblem].filter(Boolean).map((words) => `problem       ${words}`),
    '',
    ...agent.jobs.map(
      (job) =>
        `${job.stage} ${job.feedId} ${job.episodeId} ${percentWords(job.progressRatio)}%, for ${ageWords(job.assignedAt, nowMs)}`,
    ),
  ],
};

function jobsOf({ jobs }: AgentView, stage: string): number {
  return jobs.filter((job) => job.stage === stage).length;
}

function busiest({ gpus }: AgentView): number {
  return gpus.reduce((most, gpu) => Math.max(most, gpu.utilizationRatio ?? -1), -1);
}

function stateWords(state: string): string {
  return state === 'lost' ? 'LOST' : state;
}

function needRank(agent: AgentView): number {
  const rank = ['lost', 'draining', 'live'].indexOf(agent.state);
  if (agent.problem !== '') return 0;
  return rank === -1 ? 9 : rank;
}

function toneOf({ state, problem, gpuProblem }: AgentView): Tone | undefined {
  if (state === 'lost') return 'bad';
  if (problem !== '' || gpuProblem !== '' || state === 'draining') return 'warn';
  return state === 'gone' ? 'dim' : undefined;
}
