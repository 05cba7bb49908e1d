import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';

/** What `--json` prints. */
interface UncordonedView {
  readonly agentId: string;
  /** False when it was given work before. */
  readonly changed: boolean;
}

export default class AgentUncordon extends BaseCommand {
  static override summary = 'Give an agent work again that was cordoned or drained.';
  static override examples = [
    '<%= config.bin %> agent uncordon gpu-1',
    '<%= config.bin %> agent uncordon gpu-1 --quiet',
    "<%= config.bin %> agent uncordon gpu-1 --json | jq '.changed'",
  ];
  static override args = {
    agent: Args.string({ required: true, description: 'its name, as "agent list" shows it' }),
  };

  async run(): Promise<UncordonedView> {
    const { args, flags } = await this.parse(AgentUncordon);
    const { agent: agentId } = args;
    const { changed } = await this.withClient(flags, (client) => client.uncordonAgent(agentId));
    this.say(
      changed
        ? `${agentId} is given work again, as soon as there is some. "podctl agent top" shows what it works on.`
        : `${agentId} was given work all along. "podctl agent show ${agentId}" shows how it is.`,
    );
    return { agentId, changed };
  }
}
