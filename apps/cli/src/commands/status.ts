import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../base-command.ts';
import type { CoordinatorClient } from '../client.ts';
import { EXIT } from '../command-error.ts';
import { type SilentAgent, statusLines, verdictOf } from '../render/status-lines.ts';
import { skewWarning } from '../version-skew.ts';
import { agentView } from '../views/agent-map.ts';
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
    const { overview, silent, server } = await this.withClient(flags, async (client) => {
      const [totals, info] = await Promise.all([
        client.overview(),
        // The totals are what was asked for: they stand alone where this is not answered.
        client.serverInfo().catch(() => null),
      ]);
      return {
        overview: overviewView(totals),
        silent: totals.agentsLost === 0 ? [] : await silentAgents(client),
        server: info?.version ?? null,
      };
    });
    const nowMs = Date.now();
    const verdict = verdictOf(overview, nowMs, silent);
    this.lines(statusLines(overview, verdict, nowMs));
    const skew = server === null ? null : skewWarning(this.config.version, server);
    if (skew !== null) this.say(skew);
    // The first line says why.
    if (flags['exit-status'] && !verdict.healthy) process.exitCode = EXIT.conditionFalse;
    return overview;
  }
}

const LISTED_MAX = 1_000;

async function silentAgents(client: CoordinatorClient): Promise<readonly SilentAgent[]> {
  const { agents } = await client.listAgents({ pageSize: LISTED_MAX, pageToken: '' });
  return agents.map(agentView).filter(({ state }) => state === 'lost');
}
