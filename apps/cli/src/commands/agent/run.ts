import { Flags } from '@oclif/core';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { type FleetAccess, RunCommand } from '../../run-command.ts';
import { agentBootstrap } from '../../up/bootstrap.ts';
import { setupReport } from '../../up/setup-report.ts';
import type { SingleApp } from '../../up/single-app.ts';
import type { Stopping } from '../../up/stopping.ts';
import { prepareToolchain } from '../../up/toolchain.ts';

export default class AgentRun extends RunCommand {
  static override summary =
    'Run an agent in the foreground, against the NATS server of nats.url or of a join file.';
  static override examples = [
    '<%= config.bin %> agent run',
    '<%= config.bin %> agent run --join join.yaml',
    '<%= config.bin %> agent run --config /etc/podctl/podctl.yaml',
    '<%= config.bin %> agent run --data-dir /var/lib/podctl',
  ];

  static override flags = {
    ...RunCommand.flags,
    join: Flags.string({
      helpValue: 'FILE',
      description: 'where the fleet is, for a machine of its own (docs/machines.md)',
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(AgentRun);
    await this.runApp(flags);
  }

  protected async app(
    settings: Settings,
    { nats, coordinators }: FleetAccess,
    stopping: Stopping,
  ): Promise<SingleApp> {
    const report = setupReport(process.stderr, false);
    const root = process.env.PODCTL_PYTHON_ROOT ?? settings.dataDir;
    const toolchain = await prepareToolchain(root, report, () => undefined, stopping.signal).catch(
      (error: unknown) => {
        if (!(error instanceof PythonEnvError)) throw error;
        throw new CommandError(EXIT.failed, error.message, error);
      },
    );
    report.end();
    const { drainMs } = settings.agent;
    const { python } = toolchain;
    const bootstrap = agentBootstrap(settings, nats, python, drainMs, null, coordinators);
    const { stateDir } = bootstrap;
    return { key: 'agent', stateDir, drainMs, bootstrap: { ...bootstrap, endpointFile: null } };
  }
}
