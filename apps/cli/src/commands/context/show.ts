import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { findContext } from '../../context/context-list.ts';
import { configFolder, missingContext } from '../../context/context-store.ts';
import type { ContextView } from '../../context/context-view.ts';

export default class ContextShow extends BaseCommand {
  static override summary =
    'Show a context: coordinators, CA, where the token lies; never the token.';
  static override examples = [
    '<%= config.bin %> context show',
    '<%= config.bin %> context show home',
    "<%= config.bin %> context show home --json | jq -r '.caSha256'",
  ];
  static override args = {
    name: Args.string({ description: 'a context; the current one when it is left out' }),
  };

  async run(): Promise<ContextView> {
    const { args, flags } = await this.parse(ContextShow);
    const name = args.name ?? flags.context;
    const context = await findContext(name, this.dataDir(flags), configFolder());
    if (context === null) throw await missingContext(name ?? 'that is current');
    this.lines(contextLines(context));
    return context;
  }
}

function contextLines(context: ContextView): readonly string[] {
  const { name, current, servers, tls, caSha256, caExpiresAt, tokenFile } = context;
  return [
    `Context   ${name}${current ? ' (current)' : ''}`,
    `Servers   ${servers.join(', ') || 'none: "podctl up" does not run here'}`,
    tls
      ? `CA        sha256 ${caSha256}, good until ${caExpiresAt ?? 'an unknown time'}`
      : 'CA        none: nothing is encrypted',
    `Token     ${tokenFile === '' ? 'none' : `in ${tokenFile}`}`,
  ];
}
