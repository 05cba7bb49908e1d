import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as Args from '@oclif/core/args';
import { importedModel, modelsFolder } from '@podctl/platform/model-folder.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
export interface RemovedModelView {
  readonly name: string;
  readonly path: string;
}

export default class ModelRemove extends BaseCommand {
  static override summary = 'Remove an imported speech model from this machine.';
  static override description =
    "The model hub's cache is left alone: its own tools clear it, and the engine fetches anew what it needs.";
  static override examples = [
    '<%= config.bin %> model remove my-model',
    '<%= config.bin %> model remove my-model --yes',
    '<%= config.bin %> model remove small.en --yes --data-dir /var/lib/podctl',
  ];
  static override args = {
    model: Args.string({ required: true, description: 'its name, as "model list" shows it' }),
  };
  static override flags = { yes: yesFlag };

  async run(): Promise<RemovedModelView> {
    const { args, flags } = await this.parse(ModelRemove);
    this.obey(flags);
    const { model: name } = args;
    const folder = modelsFolder(this.dataDir(flags));
    const path = await importedModel(folder, name);
    if (path === null)
      throw new CommandError(
        EXIT.notFound,
        `no imported model is called ${name}; "podctl model list" shows what is here`,
      );
    await this.confirm(`the model ${name} in ${path} would be removed`, flags);
    // Nobody must find a part of it under its name.
    const going = join(folder, `.removing-${process.pid}`);
    await rename(path, going);
    await rm(going, { recursive: true, force: true });
    this.say(`Removed the model ${name}. "podctl model list" shows what is left.`);
    return { name, path };
  }
}
