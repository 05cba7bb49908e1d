import * as Flags from '@oclif/core/flags';
import { agentId } from '@podctl/domain/ids.ts';
import { BaseCommand } from '../../../base-command.ts';
import { CommandError, EXIT } from '../../../command-error.ts';
import { durationFlag } from '../../../duration-flag.ts';
import { integerFlag } from '../../../integer-flag.ts';
import { countWords, durationWords } from '../../../render/words.ts';
import { type NewJoinTokenView, newJoinTokenView } from '../../../views/access-map.ts';

const HOUR_MS = 3_600_000;

export default class AgentTokenCreate extends BaseCommand {
  static override summary = 'Make a token with which machines join the fleet.';
  static override description =
    "The token is printed once and kept nowhere: whoever has it may join. It carries the address of a coordinator and the fingerprint of the fleet's CA, so that the machine knows whom it joins. Machines that joined stay when it ends.";
  static override examples = [
    '<%= config.bin %> agent token create --print-command',
    '<%= config.bin %> agent token create --ttl 24h --uses 10 > join.token',
    '<%= config.bin %> agent token create --name gpu-1 --print-command',
  ];
  static override flags = {
    ttl: durationFlag({
      helpValue: '1h',
      description: 'how long it lets machines in, 1m to 168h (1h)',
    }),
    uses: integerFlag({
      helpValue: 'N',
      min: 1,
      max: 1_000,
      default: 1,
      description: 'how many machines it lets in',
    }),
    name: Flags.string({
      helpValue: 'AGENT',
      description: 'let in only an agent of this name',
    }),
    'print-command': Flags.boolean({
      description: 'print the line to paste on the machine that is to join',
    }),
  };

  async run(): Promise<NewJoinTokenView> {
    const { flags } = await this.parse(AgentTokenCreate);
    const { ttl: ttlMs = HOUR_MS, uses } = flags;
    if (ttlMs < 60_000)
      throw new CommandError(EXIT.usage, '--ttl is below a minute; expected 1m to 168h');
    const name = checkedName(flags.name);
    const made = await this.withClient(flags, async (client) =>
      newJoinTokenView(
        await client.createJoinToken({
          ttl: { seconds: BigInt(Math.round(ttlMs / 1_000)), nanos: 0 },
          usesMax: uses,
          agentId: name,
        }),
      ),
    );
    if (made === null)
      throw new CommandError(
        EXIT.failed,
        'the coordinator answered without a token; "podctl version" shows whether it fits this command',
      );
    this.log(flags['print-command'] ? made.command : made.text);
    const span = durationWords(ttlMs / 1_000);
    const whom = name === '' ? countWords(uses, 'machine') : `the agent ${name}`;
    this.say(
      flags['print-command']
        ? `Paste the line on the machine that is to join: it installs the agent there, as root. It is good for ${span} and lets in ${whom}; whoever reads it may join, so keep it private. Then "podctl agent list" shows the machine; "podctl agent token revoke ${made.tokenId}" ends the token.`
        : `Made the join token ${made.tokenId}, good for ${span}, for ${whom}. On the machine: "sudo podctl agent install --join-file FILE" with the token in the file, or - for stdin. "podctl agent token revoke ${made.tokenId}" ends it.`,
    );
    return made;
  }
}

function checkedName(name: string | undefined): string {
  if (name === undefined) return '';
  const checked = agentId(name);
  if (checked.ok) return checked.value;
  throw new CommandError(EXIT.usage, `--name: the ${checked.error}`);
}
