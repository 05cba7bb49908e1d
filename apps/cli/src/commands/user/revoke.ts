import * as Args from '@oclif/core/args';
import { BaseCommand } from '../../base-command.ts';
import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface RevokedUserView {
  readonly name: string;
  readonly state: 'revoked';
}

export default class UserRevoke extends BaseCommand {
  static override summary = 'Put a person out: their token is void at once.';
  static override examples = [
    '<%= config.bin %> user revoke ada',
    '<%= config.bin %> user revoke ada --yes --json',
    '<%= config.bin %> user revoke ada --yes && <%= config.bin %> user create ada --role viewer',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'as "user list" shows it' }),
  };

  static override flags = { yes: yesFlag };

  async run(): Promise<RevokedUserView> {
    const { args, flags } = await this.parse(UserRevoke);
    await this.confirm(`the token of ${args.name} would be void for good`, flags);
    await this.withClient(flags, (client) => client.revokeUser(args.name));
    this.say(
      `${args.name} is out: their token is void. Join tokens that they made still let machines in: "podctl agent token list" shows whose are whose.`,
    );
    return { name: args.name, state: 'revoked' };
  }
}
