import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { oneLine } from '../../render/cell.ts';
import { ageWords, percentWords } from '../../render/words.ts';
import { type JobDetail, type JobView, jobDetail } from '../../views/job-map.ts';

export default class JobShow extends BaseCommand {
  static override summary = 'Show one job: how it stands, and the attempts at it.';
  static override description =
    'Attempts are known since the coordinator that is asked started; "episode show" tells what is known for ever.';
  static override examples = [
    '<%= config.bin %> job show k7qmabcd.transcribe.1',
    '<%= config.bin %> job show k7qm',
    "<%= config.bin %> job show k7qmabcd.download --json | jq -r '.attempts[].reason'",
  ];
  static override args = {
    job: Args.string({
      required: true,
      description:
        'EPISODE.STAGE.RUN as "job list" shows it; without the run its newest, without the stage the one that runs or ran last',
    }),
  };

  async run(): Promise<JobDetail> {
    const { args, flags } = await this.parse(JobShow);
    const job = await this.withClient(flags, async (client) =>
      jobDetail(await client.getJob(args.job)),
    );
    if (job === null)
      throw new CommandError(
        EXIT.failed,
        `the coordinator answered without the job; "podctl version" shows whether it fits this command`,
      );
    this.lines(jobLines(job, Date.now()).map(oneLine));
    return job;
  }
}

function jobLines(job: JobDetail, nowMs: number): string[] {
  const title = job.title === '' ? [] : [`Title      ${job.title}`];
  return [
    `Job        ${job.jobId}`,
    ...title,
    `Feed       ${job.feedId}`,
    `State      ${job.state}${job.state === 'running' ? ` ${percentWords(job.progressRatio)}%` : ''}`,
    ...(job.reason === '' ? [] : [`Reason     ${job.reason}`]),
    ...(job.agentId === '' ? [] : [`Agent      ${job.agentId}`]),
    ...(job.token === '' ? [] : [`Token      ${job.token}`]),
    ...(job.attempt === null ? [] : [`Attempt    ${job.attempt}`]),
    ...(job.beganAt === null ? [] : [`Began      ${ageWords(job.beganAt, nowMs)} ago`]),
    ...job.attempts.map((attempt) => `Ended      ${attemptWords(attempt, nowMs)}`),
  ];
}

function attemptWords({ attempt, agentId, state, reason, endedAt }: JobView, nowMs: number) {
  const who = agentId === '' ? '' : ` with ${agentId}`;
  const why = reason === '' ? '' : `: ${reason}`;
  return `attempt ${attempt ?? '?'}${who}, ${state} ${ageWords(endedAt, nowMs)} ago${why}`;
}
