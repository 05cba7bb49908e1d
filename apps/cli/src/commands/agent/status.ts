import * as Flags from '@oclif/core/flags';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { type AgentStatusView, agentStatus, statusLines } from '../../install/agent-status.ts';
import { credentialEnrolment } from '../../install/credential-enrolment.ts';
import { installedHere } from '../../install/installation.ts';
import { MachineRoot } from '../../install/machine-root.ts';
import { programRunner } from '../../install/run-program.ts';

export default class AgentStatus extends BaseCommand {
  static override summary = 'Show the agent that is installed on this machine.';
  static override description =
    'Asks this machine alone, so it works without the fleet. Ends with 3 when no agent is installed here.';
  static override examples = [
    '<%= config.bin %> agent status',
    '<%= config.bin %> agent status --exit-status',
    '<%= config.bin %> agent status --json',
  ];
  static override flags = {
    'exit-status': Flags.boolean({ description: 'end with 7 when it is not ready' }),
    root: Flags.string({ hidden: true, default: '/', description: 'look below this folder' }),
  };

  async run(): Promise<AgentStatusView> {
    const { flags } = await this.parse(AgentStatus);
    const root = new MachineRoot(flags.root);
    const installation = await installedHere({
      root,
      dataDirFlag: flags['data-dir'] === undefined ? null : this.dataDir(flags),
      dataDirDefault: this.dataDir(flags),
      version: this.config.version,
    });
    if (installation === null)
      throw new CommandError(
        EXIT.notFound,
        'no agent is installed on this machine; "podctl agent install" makes it one',
      );
    const { signal } = new AbortController();
    const enrolment = credentialEnrolment(installation, root);
    const view = await agentStatus(installation, enrolment, programRunner(signal), signal);
    this.lines(statusLines(view));
    if (flags['exit-status'] && !view.ready) process.exitCode = EXIT.conditionFalse;
    return view;
  }
}
