import { Flags } from '@oclif/core';
import type { NatsAccess } from '@podctl/platform/bootstrap.ts';
import { readJoinFile } from '@podctl/platform/config/join-file.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { BaseCommand, type GlobalFlags } from './base-command.ts';
import { CommandError, EXIT } from './command-error.ts';
import { natsAccess } from './up/nats-access.ts';
import { runSingleApp, type SingleApp } from './up/single-app.ts';
import { listenForStop, type Stopping } from './up/stopping.ts';
import { settleSettings } from './up/up-settings.ts';

export interface RunFlags extends GlobalFlags {
  readonly config?: string | undefined;
  /** A join file; it wins over the settings. */
  readonly join?: string | undefined;
}

/** Where the fleet is that the app belongs to. */
export interface FleetAccess {
  readonly nats: NatsAccess;
  /** Of the coordinators that move bytes; empty where the library is mounted here. */
  readonly coordinators: readonly string[];
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

  /** What the app is told; called with where its fleet is. */
  protected abstract app(
    settings: Settings,
    access: FleetAccess,
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
      const access = await this.#accessOf(flags, settings);
      await runSingleApp(await this.app(settings, access, stopping), stopping);
    } finally {
      stopping.dispose();
    }
  }

  async #accessOf({ join }: RunFlags, settings: Settings): Promise<FleetAccess> {
    if (join !== undefined) return this.#joined(join);
    const nats = await natsAccess(settings);
    if (nats !== null) return { nats, coordinators: [] };
    throw new CommandError(
      EXIT.usage,
      'nats.url is not set; name the NATS server of the fleet in podctl.yaml, or run everything here with "podctl up"',
    );
  }

  async #joined(path: string): Promise<FleetAccess> {
    try {
      const { warning, ...access } = await readJoinFile(path);
      if (warning !== null) process.stderr.write(`podctl: ${warning}\n`);
      return access;
    } catch (error) {
      if (error instanceof SettingsError) throw new CommandError(EXIT.usage, error.message, error);
      throw error;
    }
  }
}
