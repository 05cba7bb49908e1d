import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { cordonWords } from '../../render/agent-words.ts';
import { oneLine } from '../../render/cell.ts';
import { gpuFigures } from '../../render/gpu-words.ts';
import { ageWords, countWords, percentWords } from '../../render/words.ts';
import {
  type AgentView,
  agentView,
  type GpuView,
  isThere,
  type RunningJobView,
} from '../../views/agent-map.ts';

export default class AgentShow extends BaseCommand {
  static override summary = 'Show one agent with its GPUs and what it works on.';
  static override examples = [
    '<%= config.bin %> agent show gpu-1',
    "<%= config.bin %> agent show gpu-1 --json | jq '.gpus[] | {product, memoryUsedBytes}'",
    '<%= config.bin %> agent show gpu-1 --server 127.0.0.1:7070',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'the agent’s name, as agent list shows it' }),
  };

  async run(): Promise<AgentView> {
    const { args, flags } = await this.parse(AgentShow);
    const agent = await this.withClient(flags, async (client) =>
      agentView(await client.getAgent(args.name)),
    );
    this.lines(agentLines(agent, Date.now()).map(oneLine));
    return agent;
  }
}

function agentLines(agent: AgentView, nowMs: number): string[] {
  const session = agent.session === '' ? 'none' : agent.session;
  const heard = ageWords(agent.lastHeartbeatAt, nowMs);
  return [
    `Agent      ${agent.agentId}`,
    `State      ${agent.state}`,
    ...(agent.cordon === null ? [] : [`Cordon     ${cordonWords(agent.cordon, nowMs)}`]),
    ...(agent.problem === '' ? [] : [`Problem    ${agent.problem}`]),
    `Host       ${agent.host}`,
    `Version    ${agent.version}`,
    `Session    ${session}`,
    `Heard      ${heard === '-' ? 'not since this coordinator started' : `${heard} ago`}`,
    `Slots      ${countWords(agent.downloadSlots, 'download')}, ${countWords(agent.transcribeSlots, 'transcription')}, ${countWords(agent.scoreSlots, 'score')}`,
    `Engine     ${agent.engine}`,
    ...(agent.engineChoice === '' ? [] : [`Chosen     ${agent.engineChoice}`]),
    ...gpuLines(agent),
    ...agent.jobs.map(
      (job) =>
        `Job        ${job.stage} of ${job.feedId}/${job.episodeId}, ${standing(job, nowMs)}, token ${job.token}${job.note === '' ? '' : `. ${job.note}`}`,
    ),
  ];
}

function standing(job: RunningJobView, nowMs: number): string {
  if (job.waiting) return `held ahead for ${ageWords(job.assignedAt, nowMs)}`;
  return `${percentWords(job.progressRatio)}%, for ${ageWords(job.begunAt ?? job.assignedAt, nowMs)}`;
}

function gpuLines(agent: AgentView): string[] {
  const { gpus, gpuProblem } = agent;
  const lines = gpus.flatMap((gpu) => [
    `GPU ${String(gpu.index).padEnd(6)} ${nameOf(gpu)}`,
    `           ${gpuFigures(gpu)}`,
  ]);
  if (gpuProblem !== '') lines.push(`GPU        ${gpuProblem}`);
  if (lines.length > 0) return lines;
  return [`GPU        ${isThere(agent) ? 'none seen' : 'not known: the agent is not there'}`];
}

function nameOf({ product, backend, driver, uuid }: GpuView): string {
  const driverWords = driver === '' ? '' : `, driver ${driver}`;
  const uuidWords = uuid === '' ? '' : `, ${uuid}`;
  return `${product === '' ? 'unknown' : product} (${backend}${driverWords}${uuidWords})`;
}
