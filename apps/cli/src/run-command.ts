import * as Flags from '@oclif/core/flags';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { BaseCommand, type GlobalFlags } from './base-command.ts';
import { noOutputFlag } from './output-free.ts';
import { runSingleApp, type SingleApp } from './up/single-app.ts';
import { listenForStop, type Stopping } from './up/stopping.ts';
import { settleSettings } from './up/up-settings.ts';

export interface RunFlags extends GlobalFlags {
  readonly config?: string | undefined;
}

/** A command that runs one app of the fleet in the foreground, against a NATS server that runs elsewhere. */
export abstract class RunCommand extends BaseCommand {
  static override enableJsonFlag = false;
  static override baseFlags = { ...BaseCommand.baseFlags, output: noOutputFlag };
  static override flags = {
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
  };

  /** What the app is told. */
  protected abstract app(settings: Settings, stopping: Stopping): Promise<SingleApp>;

  protected async runApp(flags: RunFlags): Promise<void> {
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    try {
      const settings = await settleSettings({
        config: flags.config,
        dataDir: flags['data-dir'],
        allowPrivate: false,
        version: this.config.version,
      });
      await runSingleApp(await this.app(settings, stopping), stopping);
    } finally {
      stopping.dispose();
    }
  }
}
