import { join } from 'node:path';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { ENDPOINT_FILE } from '../../endpoint.ts';
import { RunCommand } from '../../run-command.ts';
import { coordinatorBootstrap } from '../../up/bootstrap.ts';
import { securityAt } from '../../up/fleet-security.ts';
import { requiredNats } from '../../up/nats-access.ts';
import type { SingleApp } from '../../up/single-app.ts';

export default class CoordinatorRun extends RunCommand {
  static override summary =
    'Run a coordinator in the foreground, against the NATS server of nats.url.';
  static override examples = [
    '<%= config.bin %> coordinator run',
    '<%= config.bin %> coordinator run --config /etc/podctl/podctl.yaml',
    '<%= config.bin %> coordinator run --data-dir /var/lib/podctl',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(CoordinatorRun);
    await this.runApp(flags);
  }

  protected async app(settings: Settings): Promise<SingleApp> {
    const nats = await requiredNats(settings);
    const security = await securityAt(settings, nats);
    const bootstrap = coordinatorBootstrap(settings, nats, security, null);
    const endpointFile = join(settings.dataDir, ENDPOINT_FILE);
    const { stateDir } = bootstrap;
    return { key: 'coordinator', stateDir, drainMs: 0, bootstrap: { ...bootstrap, endpointFile } };
  }
}
