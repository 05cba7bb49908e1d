import { Flags } from '@oclif/core';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { BaseCommand, type GlobalFlags } from './base-command.ts';
import { CommandError, EXIT } from './command-error.ts';
import type { NatsAccess } from './up/bootstrap.ts';
import { runSingleApp, type SingleApp } from './up/single-app.ts';
import { listenForStop, type Stopping } from './up/stopping.ts';
import { settleSettings } from './up/up-settings.ts';

export interface RunFlags extends GlobalFlags {
  readonly config?: string | undefined;
}

/** A command that runs one app of the fleet in the foreground, against a NATS server that runs elsewhere. */
export abstract class RunCommand extends BaseCommand {
  static override enableJsonFlag = false;
  static override flags = {
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
  };

  /** What the app is told; called with settings that name a NATS server. */
  protected abstract app(
    settings: Settings,
    access: NatsAccess,
    stopping: Stopping,
  ): Promise<SingleApp>;

  protected async runApp(flags: RunFlags): Promise<void> {
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    try {
      const settings = await settleSettings({
        config: flags.config,
        dataDir: flags['data-dir'],
        allowPrivate: false,
        version: this.config.version,
      });
      const natsUrl = settings.nats.url;
      if (natsUrl === null)
        throw new CommandError(
          EXIT.usage,
          'nats.url is not set; name the NATS server of the fleet in podctl.yaml, or run everything here with "podctl up"',
        );
      const access = { natsUrl, natsUser: null, natsPassword: null };
      await runSingleApp(await this.app(settings, access, stopping), stopping);
    } finally {
      stopping.dispose();
    }
  }
}
