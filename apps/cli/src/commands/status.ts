import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import { EXIT } from '../command-error.ts';
import { statusLines, verdictOf } from '../render/status-lines.ts';
import { type OverviewView, overviewView } from '../views/fleet-map.ts';

export default class Status extends BaseCommand {
  static override summary = 'One screen: health first, then the totals.';
  static override examples = [
    '<%= config.bin %> status',
    '<%= config.bin %> status --exit-status || echo "look at podctl feed list"',
    "<%= config.bin %> status --json | jq '.transcribed'",
  ];
  static override flags = {
    'exit-status': Flags.boolean({ description: 'exit 7 unless all is well' }),
  };

  async run(): Promise<OverviewView> {
    const { flags } = await this.parse(Status);
    const overview = await this.withClient(flags, async (client) =>
      overviewView(await client.overview()),
    );
    this.lines(statusLines(overview, Date.now()));
    // The first line says why.
    if (flags['exit-status'] && !verdictOf(overview).healthy)
      process.exitCode = EXIT.conditionFalse;
    return overview;
  }
}
