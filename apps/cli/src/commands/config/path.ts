import { findSettingsFile } from '@podctl/platform/config/load.ts';
import { BaseCommand } from '../../base-command.ts';
import { configFolder } from '../../context/context-store.ts';

/** What `--json` prints: absolute paths. */
export interface ConfigPathView {
  /** Empty where there is none. */
  readonly settingsFile: string;
  /** Unless the settings file names another. */
  readonly dataDir: string;
  /** Where contexts and their tokens are. */
  readonly configFolder: string;
}

export default class ConfigPath extends BaseCommand {
  static override summary = 'Show which files count here: settings, data folder, contexts.';
  static override examples = [
    '<%= config.bin %> config path',
    "<%= config.bin %> config path --json | jq -r '.settingsFile'",
    '<%= config.bin %> config path --data-dir ./trial',
  ];

  async run(): Promise<ConfigPathView> {
    const { flags } = await this.parse(ConfigPath);
    const settingsFile = (await findSettingsFile(process.cwd())) ?? '';
    const view = { settingsFile, dataDir: this.dataDir(flags), configFolder: configFolder() };
    this.lines([
      `settings  ${settingsFile === '' ? 'none here: podctl.yaml would be it' : settingsFile}`,
      `data      ${view.dataDir}`,
      `contexts  ${view.configFolder}`,
    ]);
    return view;
  }
}
