import { type Agent, AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { type StageWord, stageWord } from './episode-map.ts';
import { isoTime } from './list-document.ts';

export type AgentStateWord = 'live' | 'draining' | 'lost' | 'gone' | 'unknown';

/** A job that an agent works on. */
export interface RunningJobView {
  readonly feedId: string;
  readonly episodeId: string;
  readonly stage: StageWord;
  readonly token: string;
  readonly progressRatio: number;
  readonly assignedAt: string | null;
}

/** An agent, as `--json` prints it. */
export interface AgentView {
  readonly agentId: string;
  readonly state: AgentStateWord;
  /** Empty when it has none. */
  readonly session: string;
  readonly host: string;
  readonly version: string;
  readonly engine: string;
  readonly downloadSlots: number;
  readonly transcribeSlots: number;
  readonly lastHeartbeatAt: string | null;
  readonly jobs: readonly RunningJobView[];
  /** One sentence; empty when nothing is wrong. */
  readonly problem: string;
}

const stateWords: { readonly [state: number]: AgentStateWord } = {
  [AgentState.LIVE]: 'live',
  [AgentState.DRAINING]: 'draining',
  [AgentState.LOST]: 'lost',
  [AgentState.GONE]: 'gone',
};

export function agentView(agent: Agent): AgentView {
  return {
    agentId: agent.agentId,
    state: stateWords[agent.state] ?? 'unknown',
    session: agent.session === 0n ? '' : String(agent.session),
    host: agent.host,
    version: agent.version,
    engine: agent.engine,
    downloadSlots: agent.downloadSlots,
    transcribeSlots: agent.transcribeSlots,
    lastHeartbeatAt: isoTime(agent.lastHeartbeatAt),
    jobs: agent.jobs.map((job) => ({
      feedId: job.feedId,
      episodeId: job.episodeId,
      stage: stageWord(job.stage),
      token: String(job.token),
      progressRatio: job.progressRatio,
      assignedAt: isoTime(job.assignedAt),
    })),
    problem: agent.problem,
  };
}
