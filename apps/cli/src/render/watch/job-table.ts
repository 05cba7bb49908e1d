import type { RunningJobView } from '../../views/agent-map.ts';
import { ageWords, percentWords } from '../words.ts';
import { bar } from './figure-words.ts';
import { left, right, type ViewTable } from './view-table.ts';

/** A job that an agent works on, as the watch stream tells it. */
export interface JobRow extends RunningJobView {
  readonly agentId: string;
  readonly agentState: string;
}

export const jobTable: ViewTable<JobRow> = {
  source: ({ state }) => [state.agents],
  rows: ({ state }) =>
    [...state.agents.values()].flatMap(({ agentId, state: agentState, jobs }) =>
      jobs.map((job) => ({ ...job, agentId, agentState })),
    ),
  id: ({ feedId, episodeId, stage }) => `${feedId} ${episodeId} ${stage}`,
  words: ({ feedId, episodeId, stage, agentId }) => `${feedId} ${episodeId} ${stage} ${agentId}`,
  hasProblem: ({ agentState }) => agentState === 'lost',
  sorts: [
    // The oldest first: what was assigned before this coordinator knew of it is older than all.
    {
      name: 'age',
      by: ({ assignedAt }) => -Date.parse(assignedAt ?? '1970-01-01'),
      descending: true,
    },
    { name: 'done', by: ({ progressRatio }) => progressRatio, descending: true },
    { name: 'feed', by: ({ feedId }) => feedId, descending: false },
    { name: 'agent', by: ({ agentId }) => agentId, descending: false },
  ],
  columns: [
    left('FEED', 14, 0, ({ feedId }) => feedId, { widthMax: 40 }),
    left('EPISODE', 8, 0, ({ episodeId }) => episodeId.slice(0, 8), { below: 100 }),
    left('EPISODE', 26, 100, ({ episodeId }) => episodeId),
    left('STAGE', 10, 0, ({ stage }) => stage),
    left('DONE', 9, 60, ({ progressRatio }) => progressWords(progressRatio)),
    left('AGENT', 12, 80, ({ agentId }) => agentId, { widthMax: 32 }),
    right('FOR', 6, 0, ({ assignedAt }, nowMs) => ageWords(assignedAt, nowMs)),
    right('TOKEN', 14, 140, ({ token }) => token),
    left('STATE', 8, 0, stateWords, {
      tone: ({ agentState }) => (agentState === 'lost' ? 'bad' : undefined),
    }),
  ],
  empty: () => 'no job runs',
  detail: (job, _, nowMs) => [
    `${job.stage} of ${job.episodeId}`,
    '',
    `feed          ${job.feedId}`,
    `agent         ${job.agentId} (${job.agentState})`,
    `done          ${percentWords(job.progressRatio)}%, after ${ageWords(job.assignedAt, nowMs)}`,
    `token         ${job.token}`,
    '',
    `l shows what its agent says; "podctl episode show ${job.episodeId}" shows more`,
  ],
};

/** Of a row: the newest run of the stage. Null for none. */
export function jobIdOf(rowId: string | null): string | null {
  const [, episodeId, stage] = rowId?.split(' ') ?? [];
  return episodeId === undefined || stage === undefined ? null : `${episodeId}.${stage}`;
}

function progressWords(ratio: number): string {
  return `${bar(ratio, 5)} ${percentWords(ratio).padStart(3)}`;
}

function stateWords({ agentState }: JobRow): string {
  return agentState === 'lost' ? 'LOST' : 'running';
}
