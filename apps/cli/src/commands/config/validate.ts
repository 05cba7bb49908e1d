import * as Args from '@oclif/core/args';
import { settingsWithOrigins } from '@podctl/platform/config/origins.ts';
import { BaseCommand } from '../../base-command.ts';
import { settingsPlaces } from '../../config-sources.ts';
import { countWords } from '../../render/words.ts';

/** What `--json` prints; what does not fit is an error with exit code 2. */
export interface ValidConfigView {
  /** Absolute; empty when there is no file. */
  readonly file: string;
  /** Names of the settings that the file has. */
  readonly settings: readonly string[];
}

export default class ConfigValidate extends BaseCommand {
  static override summary = 'Check a settings file; what does not fit is told in one sentence.';
  static override examples = [
    '<%= config.bin %> config validate',
    '<%= config.bin %> config validate /etc/podctl/agent.yaml',
    "<%= config.bin %> config validate podctl.yaml --json | jq '.settings'",
  ];
  static override args = {
    file: Args.string({
      description: 'the file; by default podctl.yaml or podctl.toml in this folder',
    }),
  };

  async run(): Promise<ValidConfigView> {
    const { args } = await this.parse(ConfigValidate);
    const { file, sources } = await settingsPlaces(args.file, undefined, false);
    const settings = settingsWithOrigins(sources)
      .filter(({ origin }) => origin === 'file')
      .map(({ setting }) => setting);
    this.log(
      file === null
        ? 'There is no settings file here: every setting is at its default.'
        : `${file} is fine: it has ${countWords(settings.length, 'setting')}.`,
    );
    return { file: file ?? '', settings };
  }
}
