import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { type JobView, jobView, shortJobId } from '../../views/job-map.ts';
import { yesFlag } from '../../yes-flag.ts';

export default class JobCancel extends BaseCommand {
  static override summary = 'Stop a job that runs; it is not done again before you ask for it.';
  static override description =
    'Its agent stops at once, and what it still brings is refused. The stage of the episode counts as dead, with who canceled it as the reason. To have it given to an agent again instead, use "lock release".';
  static override examples = [
    '<%= config.bin %> job cancel k7qmabcd.transcribe.1 --yes',
    '<%= config.bin %> job cancel k7qm --yes',
    '<%= config.bin %> job cancel k7qmabcd.download --yes --json',
  ];
  static override args = {
    job: Args.string({
      required: true,
      description: 'EPISODE.STAGE.RUN as "job list" shows it, or a beginning of it',
    }),
  };
  static override flags = { yes: yesFlag };

  async run(): Promise<JobView> {
    const { args, flags } = await this.parse(JobCancel);
    await this.confirm(`the work done so far on ${args.job} would be lost`, flags);
    const { job } = await this.withClient(flags, (client) => client.cancelJob(args.job));
    if (job === undefined)
      throw new CommandError(
        EXIT.failed,
        `the coordinator answered without the job; "podctl version" shows whether it fits this command`,
      );
    const view = jobView(job);
    const from = view.agentId === '' ? '' : ` Agent ${view.agentId} stops it.`;
    this.say(
      `Canceled ${shortJobId(view)}.${from} Nobody does it again by itself; "podctl job list --state canceled" shows what was canceled.`,
    );
    return view;
  }
}
