import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { countWords } from '../../render/words.ts';
import {
  type CordonView,
  cordonView,
  type RunningJobView,
  runningJobView,
} from '../../views/agent-map.ts';

/** What `--json` prints. */
interface CordonedView {
  readonly agentId: string;
  /** False when it was so before. */
  readonly changed: boolean;
  readonly cordon: CordonView | null;
  readonly jobs: readonly RunningJobView[];
}

export default class AgentCordon extends BaseCommand {
  static override summary = 'Give an agent no new work; what it holds goes on.';
  static override description =
    'It holds till "agent uncordon": over restarts of the agent, of its machine and of coordinators. An agent that is away can be cordoned before it comes back. To have it end what it holds as well, and to wait for that: "agent drain".';
  static override examples = [
    '<%= config.bin %> agent cordon gpu-1',
    '<%= config.bin %> agent cordon gpu-1 --reason "new disk on Friday"',
    "<%= config.bin %> agent cordon gpu-1 --json | jq '.jobs | length'",
  ];
  static override args = {
    agent: Args.string({ required: true, description: 'its name, as "agent list" shows it' }),
  };
  static override flags = {
    reason: Flags.string({ helpValue: 'TEXT', default: '', description: 'why, for the others' }),
  };

  async run(): Promise<CordonedView> {
    const { args, flags } = await this.parse(AgentCordon);
    const { agent: agentId } = args;
    const answer = await this.withClient(flags, (client) =>
      client.cordonAgent(agentId, flags.reason),
    );
    const cordon = answer.cordon === undefined ? null : cordonView(answer.cordon);
    const jobs = answer.jobs.map(runningJobView);
    const held =
      jobs.length === 0 ? 'It holds nothing' : `It ends its ${countWords(jobs.length, 'job')}`;
    this.say(
      answer.changed
        ? `${agentId} is given no new work. ${held}. "podctl agent uncordon ${agentId}" gives it work again; "podctl agent drain ${agentId}" waits till it holds nothing.`
        : `${agentId} was ${cordon?.kind ?? 'cordoned'} already. "podctl agent show ${agentId}" shows since when, and by whom.`,
    );
    return { agentId, changed: answer.changed, cordon, jobs };
  }
}
