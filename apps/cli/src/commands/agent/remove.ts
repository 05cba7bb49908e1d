import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface RemovedAgentView {
  readonly agentId: string;
  /** Whether its connection has ended. */
  readonly applied: boolean;
}

export default class AgentRemove extends BaseCommand {
  static override summary = 'Put an agent out: its credential is void, its work goes to others.';
  static override description =
    'For a machine that was lost, sold or broken into. Its connection is ended within seconds and what it still brings is refused. A machine that merely goes home is better drained with "agent drain": it ends what it holds, and keeps its credential. To come back it needs a new join token.';
  static override examples = [
    '<%= config.bin %> agent remove gpu-1',
    '<%= config.bin %> agent remove gpu-1 --yes',
    "<%= config.bin %> agent remove gpu-1 --yes --json | jq '.applied'",
  ];
  static override args = {
    agent: Args.string({ required: true, description: 'its name, as "agent list" shows it' }),
  };
  static override flags = { yes: yesFlag };

  async run(): Promise<RemovedAgentView> {
    const { args, flags } = await this.parse(AgentRemove);
    const { agent: agentId } = args;
    await this.confirm(
      `the agent ${agentId} would be put out for good and its unfinished work begun anew by others`,
      flags,
    );
    const { applied } = await this.withClient(flags, (client) => client.revokeAgent(agentId));
    const fate =
      'What it worked on is given to other agents, and what it still brings is refused; what it finished before stays. If it was cordoned or drained, its name stays so until "podctl agent uncordon"';
    this.say(
      applied
        ? `The agent ${agentId} is out and its connection has ended. ${fate}. "podctl watch" shows where its work goes; on the machine, "podctl agent uninstall --local-only" clears up.`
        : `The agent ${agentId} is out: its credential is void here. The NATS servers have not all taken it, and are told again until they have; till then its connection may stand. ${fate}. "podctl agent list" shows when it is gone.`,
    );
    return { agentId, applied };
  }
}
