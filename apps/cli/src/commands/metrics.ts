import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { readMetrics } from '../metrics/metrics-page.ts';
import { metricsLines } from '../metrics/metrics-place.ts';
import { agentSource, coordinatorSource } from '../metrics/metrics-source.ts';
import { noOutputFlag } from '../output-free.ts';

const TIMEOUT_MS = 10_000;

export default class Metrics extends BaseCommand {
  // Its output is the page itself, in the text format of Prometheus.
  static override enableJsonFlag = false;
  static override baseFlags = { ...BaseCommand.baseFlags, output: noOutputFlag };
  static override summary =
    'Print the metrics of the coordinator, or of the agent on this machine.';
  static override description =
    'The page that Prometheus would read, without knowing its port. Ends with 7 when --grep finds nothing.';
  static override examples = [
    '<%= config.bin %> metrics',
    "<%= config.bin %> metrics --grep '^podctl_feed'",
    '<%= config.bin %> metrics --agent --grep gpu',
  ];
  static override flags = {
    agent: Flags.boolean({ description: 'of the agent on this machine' }),
    grep: Flags.string({
      helpValue: 'RE',
      description: 'only samples that match this regular expression',
    }),
    'metrics-token-file': Flags.string({
      env: 'PODCTL_METRICS_TOKEN_FILE',
      helpValue: 'FILE',
      description:
        'file with the token that the page asks for; what "podctl up" runs here needs none named',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Metrics);
    const pattern = flags.grep === undefined ? null : regularExpression(flags.grep);
    const dataDir = this.dataDir(flags);
    const tokenFile = flags['metrics-token-file'];
    const source = flags.agent
      ? await agentSource(dataDir, this.isDataDirNamed(), this.config.version, tokenFile)
      : await this.coordinatorSource(flags, tokenFile);
    const page = await readMetrics({ ...source, timeoutMs: flags.timeout ?? TIMEOUT_MS });
    const lines = metricsLines(page, pattern);
    if (lines.length === 0)
      throw new CommandError(
        EXIT.conditionFalse,
        `no sample matches ${flags.grep ?? 'anything'}; leave --grep out to see them all`,
      );
    this.lines(lines);
  }

  private async coordinatorSource(
    flags: Parameters<BaseCommand['endpoint']>[0],
    tokenFile: string | undefined,
  ) {
    const endpoint = await this.endpoint(flags);
    return await this.withClientAt(endpoint, flags, (client) =>
      coordinatorSource(client, endpoint, this.dataDir(flags), tokenFile),
    );
  }
}

function regularExpression(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `--grep ${JSON.stringify(text)} is no regular expression; put a backslash before a sign that stands for itself`,
      error,
    );
  }
}
