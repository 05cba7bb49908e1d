import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import {
  configFolder,
  currentContext,
  missingContext,
  readContext,
  removeContext,
} from '../../context/context-store.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface RemovedContextView {
  readonly name: string;
}

export default class ContextRemove extends BaseCommand {
  static override summary = 'Forget a fleet here, with the token that was kept for it.';
  static override description =
    'Nothing changes at the fleet: the token stays good until an admin revokes its owner. A token file that you named when you added the context is left where it is.';
  static override examples = [
    '<%= config.bin %> context remove home',
    '<%= config.bin %> context remove home --yes --json',
    '<%= config.bin %> context remove home --yes && <%= config.bin %> context list',
  ];
  static override args = { name: Args.string({ required: true, description: 'a context' }) };

  static override flags = { yes: yesFlag };

  async run(): Promise<RemovedContextView> {
    const { args, flags } = await this.parse(ContextRemove);
    this.obey(flags);
    const folder = configFolder();
    const { name } = args;
    if ((await readContext(name, folder)) === null) throw await missingContext(name);
    await this.confirm(`the context ${name} and the token kept for it would be forgotten`, flags);
    const wasCurrent = (await currentContext(folder)) === name;
    await removeContext(name, folder);
    const next = wasCurrent
      ? 'The current one is "local" now, what "podctl up" runs here; "podctl context use NAME" chooses another'
      : '"podctl context list" shows what is left';
    this.say(`Removed the context ${name}. ${next}.`);
    return { name };
  }
}
