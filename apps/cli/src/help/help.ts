import { CommandHelp, Help } from '@oclif/core/help';

const FIRST = ['EXAMPLES', 'DESCRIPTION'];

/** What a command is for comes first: examples to copy, then how it is meant, then its usage and flags. */
class ExamplesFirst extends CommandHelp {
  protected override sections(): ReturnType<CommandHelp['sections']> {
    const all = super.sections();
    const first = FIRST.flatMap((head) => all.filter(({ header }) => header === head));
    return [...first, ...all.filter(({ header }) => !FIRST.includes(header))];
  }
}

/** In place of oclif's own, which shows the examples last. */
export default class PodctlHelp extends Help {
  protected override CommandHelpClass = ExamplesFirst;

  constructor(...[config, options]: ConstructorParameters<typeof Help>) {
    // The summary is the first line already.
    super(config, { ...options, hideCommandSummaryInDescription: true });
  }
}
