import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { LOCAL_CONTEXT } from '../../context/context.ts';
import {
  configFolder,
  missingContext,
  readContext,
  setCurrentContext,
} from '../../context/context-store.ts';

/** What `--json` prints. */
interface UsedContextView {
  readonly name: string;
}

export default class ContextUse extends BaseCommand {
  static override summary = 'Choose the fleet that commands talk to from now on.';
  static override examples = [
    '<%= config.bin %> context use home',
    '<%= config.bin %> context use local',
    '<%= config.bin %> context use home && <%= config.bin %> status',
  ];
  static override args = {
    name: Args.string({
      required: true,
      description: 'a context, or "local" for what "podctl up" runs here',
    }),
  };

  async run(): Promise<UsedContextView> {
    const { args, flags } = await this.parse(ContextUse);
    this.obey(flags);
    const folder = configFolder();
    const { name } = args;
    if (name !== LOCAL_CONTEXT && (await readContext(name, folder)) === null)
      throw await missingContext(name);
    await setCurrentContext(name, folder);
    this.say(`The current context is ${name} now. "podctl context validate" tries it.`);
    return { name };
  }
}
