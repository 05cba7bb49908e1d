import { once } from 'node:events';
import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../base-command.ts';
import { integerFlag } from '../../integer-flag.ts';
import { logLines } from '../../render/log-line.ts';
import { type LogLineView, logLineView } from '../../views/job-map.ts';

const TAIL_MAX = 1_000_000;

export default class JobLogs extends BaseCommand {
  // Its machine-readable form is a stream: `-o jsonl`.
  static override enableJsonFlag = false;
  static override summary = 'Print what agents say about a job.';
  static override description =
    'Coordinators keep the newest lines of each agent in memory (1,000 lines or 256 KiB): lines of long ago, and of before the coordinator that is asked started, are not there. Where lines are missing, it is said. With -f it ends when the job is done, dead or canceled.';
  static override examples = [
    '<%= config.bin %> job logs k7qmabcd.transcribe.1',
    '<%= config.bin %> job logs k7qm -f',
    '<%= config.bin %> job logs k7qm --tail 20 -o jsonl | jq -r \'select(.level == "warn").message\'',
  ];
  static override args = {
    job: Args.string({
      required: true,
      description: 'EPISODE.STAGE.RUN as "job list" shows it, or a beginning of it',
    }),
  };
  static override flags = {
    follow: Flags.boolean({ char: 'f', description: 'go on with what comes' }),
    tail: integerFlag({
      min: 1,
      max: TAIL_MAX,
      helpValue: 'N',
      description: 'only the newest N of the lines that are there',
    }),
    output: Flags.string({
      char: 'o',
      options: ['text', 'jsonl'],
      default: 'text',
      description: 'jsonl: one JSON object a line, one a line of the log',
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobLogs);
    const request = { jobId: args.job, tailLines: flags.tail ?? 0, follow: flags.follow };
    const print = flags.output === 'jsonl' ? jsonLine : textLine;
    let count = 0;
    await this.withClient(flags, async (client) => {
      for await (const { lines } of client.jobLogs(request, new AbortController().signal)) {
        count += lines.length;
        const text = lines.map((line) => print(logLineView(line))).join('');
        if (!process.stdout.write(text)) await once(process.stdout, 'drain');
      }
    });
    if (count === 0)
      this.say(
        'No lines of this job are kept: "podctl job show" tells how it stands, and its agent\'s own log has the rest.',
      );
  }
}

function jsonLine(line: LogLineView): string {
  return `${JSON.stringify(line)}\n`;
}

function textLine(line: LogLineView): string {
  return logLines(line)
    .map((text) => `${text}\n`)
    .join('');
}
