import * as Args from '@oclif/core/args';
import { isTokenId } from '@podctl/domain/join-token.ts';
import { BaseCommand } from '../../../base-command.ts';
import { CommandError, EXIT } from '../../../command-error.ts';
import { yesFlag } from '../../../yes-flag.ts';

/** What `--json` prints. */
interface RevokedTokenView {
  readonly tokenId: string;
  readonly state: 'revoked';
}

export default class AgentTokenRevoke extends BaseCommand {
  static override summary = 'End a join token; machines that joined with it stay.';
  static override examples = [
    '<%= config.bin %> agent token revoke abcdefghijklmnop',
    '<%= config.bin %> agent token revoke abcdefghijklmnop --yes --json',
    '<%= config.bin %> agent token list --json | jq -r \'.items[] | select(.state == "open").tokenId\' | xargs -n1 <%= config.bin %> agent token revoke --yes',
  ];
  static override args = {
    id: Args.string({ required: true, description: 'its id, as "agent token list" shows it' }),
  };

  static override flags = { yes: yesFlag };

  async run(): Promise<RevokedTokenView> {
    const { args, flags } = await this.parse(AgentTokenRevoke);
    const tokenId = args.id;
    // Somebody may paste the whole token: it must not come back in an error.
    if (!isTokenId(tokenId))
      throw new CommandError(
        EXIT.usage,
        'that is no id of a join token, which has 16 of a-z and 2-7; "podctl agent token list" shows them',
      );
    await this.confirm(`the join token ${tokenId} would let nobody in any more`, flags);
    await this.withClient(flags, (client) => client.revokeJoinToken(tokenId));
    this.say(
      `The join token ${tokenId} lets nobody in any more. Who joined with it stays: "podctl agent token list -o wide" names them, "podctl agent remove NAME" puts one out.`,
    );
    return { tokenId, state: 'revoked' };
  }
}
