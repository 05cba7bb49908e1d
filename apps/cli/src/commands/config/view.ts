import * as Flags from '@oclif/core/flags';
import { type SettingWithOrigin, settingsWithOrigins } from '@podctl/platform/config/origins.ts';
import { settingsPlaces } from '../../config-sources.ts';
import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class ConfigView extends ListCommand {
  static override summary = 'List every setting that counts here, and where its value comes from.';
  static override description =
    'What "podctl up", "podctl agent run" and "podctl coordinator run" go by in this folder. Flags win over the environment, that over the settings file. What may be secret in a URL is masked.';
  static override examples = [
    '<%= config.bin %> config view --show-origin',
    '<%= config.bin %> config view --changed',
    '<%= config.bin %> config view --config /etc/podctl/coordinator.yaml -o yaml',
  ];
  static override flags = {
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
    'show-origin': Flags.boolean({ description: 'say where each value comes from' }),
    changed: Flags.boolean({ description: 'only what is not at its default' }),
  };

  async run(): Promise<ListDocument<SettingWithOrigin>> {
    const { flags } = await this.parse(ConfigView);
    const { sources } = await settingsPlaces(
      flags.config,
      flags['data-dir'],
      this.isDataDirNamed(),
    );
    const all = settingsWithOrigins(sources);
    const asked = flags.changed ? all.filter(({ origin }) => origin !== 'default') : all;
    const document = this.local(asked, flags);
    const none = 'Every setting is at its default; docs/configuration.md lists them.';
    return this.table(document, columns(flags['show-origin']), flags, none);
  }
}

function columns(showsOrigin: boolean): readonly Column<SettingWithOrigin>[] {
  return [
    { head: 'SETTING', cell: ({ setting }) => setting },
    { head: 'VALUE', cell: ({ value }) => JSON.stringify(value) },
    { head: 'ORIGIN', cell: ({ origin }) => origin, wide: !showsOrigin },
    { head: 'FROM', cell: ({ from }) => from, wide: !showsOrigin },
  ];
}
