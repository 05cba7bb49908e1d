import type { Settings } from '@podctl/platform/config/settings.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { RunCommand } from '../../run-command.ts';
import { agentBootstrap, type NatsAccess } from '../../up/bootstrap.ts';
import { setupReport } from '../../up/setup-report.ts';
import type { SingleApp } from '../../up/single-app.ts';
import type { Stopping } from '../../up/stopping.ts';
import { prepareToolchain } from '../../up/toolchain.ts';

export default class AgentRun extends RunCommand {
  static override summary = 'Run an agent in the foreground, against the NATS server of nats.url.';
  static override examples = [
    '<%= config.bin %> agent run',
    '<%= config.bin %> agent run --config /etc/podctl/podctl.yaml',
    '<%= config.bin %> agent run --data-dir /var/lib/podctl',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(AgentRun);
    await this.runApp(flags);
  }

  protected async app(
    settings: Settings,
    access: NatsAccess,
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
    const bootstrap = agentBootstrap(settings, access, toolchain.python, null);
    const { stateDir } = bootstrap;
    return { key: 'agent', stateDir, bootstrap: { ...bootstrap, endpointFile: null } };
  }
}
