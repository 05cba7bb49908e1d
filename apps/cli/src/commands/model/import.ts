import { join, resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import { isModelName, modelsFolder } from '@podctl/platform/model-folder.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import type { FileChecksum } from '../../model/checksums.ts';
import { importModel } from '../../model/model-import.ts';
import { sizeWords } from '../../render/words.ts';

/** What `--json` prints. */
export interface ImportedModelView {
  readonly name: string;
  /** Absolute. */
  readonly path: string;
  readonly files: readonly FileChecksum[];
}

export default class ModelImport extends BaseCommand {
  static override summary = 'Copy a speech model onto this machine, with its checksums.';
  static override description =
    'For machines that cannot reach the model hub, and for models of your own: a folder with model.bin, config.json and tokenizer.json, as CTranslate2 makes it. It is copied whole or not at all, and read again after.';
  static override examples = [
    '<%= config.bin %> model import ./faster-whisper-small.en --name small.en',
    '<%= config.bin %> model import /mnt/usb/my-model --name my-model --data-dir /var/lib/podctl',
    "<%= config.bin %> model import ./my-model --name my-model --json | jq '.files'",
  ];
  static override args = {
    folder: Args.string({ required: true, description: 'the folder of the model' }),
  };
  static override flags = {
    name: Flags.string({
      required: true,
      description: 'its name for transcribe.model, such as small.en',
    }),
  };

  async run(): Promise<ImportedModelView> {
    const { args, flags } = await this.parse(ModelImport);
    this.obey(flags);
    const { name } = flags;
    if (!isModelName(name))
      throw new CommandError(
        EXIT.usage,
        `--name is ${JSON.stringify(name.slice(0, 60))}; expected 1 to 100 of letters, digits, dots, hyphens and underscores, the first a letter or digit`,
      );
    const dataDir = this.dataDir(flags);
    const files = await importModel(resolve(args.folder), name, dataDir, (file) =>
      this.detail(`Copying ${file}.`),
    );
    const size = sizeWords(files.reduce((sum, file) => sum + file.sizeBytes, 0));
    this.say(
      `Imported the model ${name} (${size}). Agents with this data folder take it where transcribe.model is ${name}; "podctl model list --verify" checks it.`,
    );
    return { name, path: join(modelsFolder(dataDir), name), files };
  }
}
