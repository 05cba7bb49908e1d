import * as Flags from '@oclif/core/flags';
import type { JobState } from '@podctl/proto/podctl/v1/job.ts';
import { idFlag } from '../../id-flag.ts';
import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { durationWords, percentWords } from '../../render/words.ts';
import { STAGE_NAMES, stageOf } from '../../views/episode-map.ts';
import { JOB_STATES, type JobView, jobView, shortJobId } from '../../views/job-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

const words = Object.keys(JOB_STATES) as (keyof typeof JOB_STATES)[];
const NOW: readonly (keyof typeof JOB_STATES)[] = ['running', 'publishing'];

export default class JobList extends ListCommand {
  static override summary = 'List what agents work on, and what ended lately.';
  static override description =
    'A job is one run of a stage of an episode; a line is one attempt at it. What ended is known since the coordinator that is asked started, the newest 2,000 of it.';
  static override examples = [
    '<%= config.bin %> job list',
    '<%= config.bin %> job list --all --feed the-clockmakers',
    "<%= config.bin %> job list --state failed --state dead --json | jq -r '.items[].reason'",
  ];
  static override flags = {
    all: Flags.boolean({ char: 'a', description: 'also what ended', exclusive: ['state'] }),
    state: Flags.option({
      options: words,
      multiple: true,
      description: 'only what is in this state; may be given several times',
    })(),
    feed: idFlag({ default: '', description: 'only of this feed' }),
    agent: idFlag({ default: '', helpValue: 'NAME', description: 'only of this agent' }),
    stage: Flags.option({
      options: STAGE_NAMES,
      description: 'only of this stage',
    })(),
  };

  async run(): Promise<ListDocument<JobView>> {
    const { flags } = await this.parse(JobList);
    const wanted = {
      feedId: flags.feed,
      agentId: flags.agent,
      stage: stageOf(flags.stage),
      states: statesOf(flags),
    };
    const document = await this.collect(flags, async (client, page) => {
      const { jobs, nextPageToken } = await client.listJobs({ ...wanted, ...page });
      return { items: jobs.map(jobView), nextPageToken };
    });
    const isNarrow = flags.all || flags.state !== undefined;
    const none = isNarrow ? 'No such job.' : 'Nothing runs now: --all shows what ended.';
    const shown = columns(Date.now(), this.timeCell(flags));
    return this.table(document, shown, flags, none, attemptKey);
  }
}

/** None stands for all. */
function statesOf(flags: { all: boolean; state: typeof words | undefined }): JobState[] {
  if (flags.all) return [];
  return (flags.state ?? NOW).map((word) => JOB_STATES[word]);
}

/** A job's id stands for all attempts at it. */
function attemptKey({ jobId, token, attempt }: JobView): string {
  return `${jobId} ${token} ${attempt ?? ''}`;
}

function columns(
  nowMs: number,
  timeOf: (iso: string | null) => string,
): readonly Column<JobView>[] {
  return [
    { head: 'JOB', cell: shortJobId },
    { head: 'FEED', cell: (job) => job.feedId },
    { head: 'AGENT', cell: (job) => job.agentId || '-' },
    { head: 'STATE', cell: stateWords },
    { head: 'TRY', cell: (job) => String(job.attempt ?? '-'), align: 'right' },
    { head: 'TOOK', cell: (job) => tookWords(job, nowMs), align: 'right' },
    { head: 'ENDED', cell: (job) => timeOf(job.endedAt), align: 'right', wide: true },
    { head: 'TOKEN', cell: (job) => job.token, align: 'right', wide: true },
    { head: 'REASON', cell: (job) => job.reason, wide: true },
  ];
}

function stateWords({ state, progressRatio }: JobView): string {
  return state === 'running' ? `running ${percentWords(progressRatio)}%` : state;
}

/** Until now while it runs. */
function tookWords({ beganAt, endedAt }: JobView, nowMs: number): string {
  if (beganAt === null) return '-';
  const endMs = endedAt === null ? nowMs : Date.parse(endedAt);
  return durationWords((endMs - Date.parse(beganAt)) / 1_000);
}
