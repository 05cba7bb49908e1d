import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { CreateUserRequest } from '@podctl/proto/podctl/v1/access.ts';
import { BaseCommand, type GlobalFlags } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { withNewPrivateFile } from '../../private-file.ts';
import { ROLE_WORDS, roleOf, type UserView, userView } from '../../views/access-map.ts';

/** What `--json` prints. */
interface NewUserView extends UserView {
  /** The bearer token; empty when it went to a file. */
  readonly token: string;
}

interface Made {
  readonly user: UserView;
  readonly token: string;
}

export default class UserCreate extends BaseCommand {
  static override summary = 'Let a person in, with a token of their own.';
  static override description =
    'A viewer sees everything but secrets, an operator changes what is worked on, an admin lets people and machines in. The token is printed once and kept nowhere.';
  static override examples = [
    '<%= config.bin %> user create ada --role operator --output-file ada.token',
    '<%= config.bin %> user create grafana --role viewer',
    "<%= config.bin %> user create ci --role viewer --json | jq -r '.token'",
  ];
  static override args = {
    name: Args.string({
      required: true,
      description: '1 to 48 of a-z, 0-9 and inner hyphens',
    }),
  };
  static override flags = {
    role: Flags.string({
      required: true,
      options: [...ROLE_WORDS],
      description: 'what they may do',
    }),
    'output-file': Flags.string({
      helpValue: 'FILE',
      description: 'write the token there, readable by you alone, instead of printing it',
    }),
  };

  async run(): Promise<NewUserView> {
    const { args, flags } = await this.parse(UserCreate);
    const role = roleOf(flags.role);
    if (role === null) throw new CommandError(EXIT.usage, `there is no role ${flags.role}`);
    const request = { name: args.name, role };
    const path = flags['output-file'] === undefined ? null : resolve(flags['output-file']);
    if (path === null) {
      const { user, token } = await this.made(request, flags);
      this.log(token);
      this.tell(user, 'The token is shown once');
      return { ...user, token };
    }
    const user = await withNewPrivateFile(path, async (write) => {
      const { user: person, token } = await this.made(request, flags);
      await write(`${token}\n`);
      return person;
    });
    this.tell(user, `The token is in ${path}`);
    return { ...user, token: '' };
  }

  private made(request: CreateUserRequest, flags: GlobalFlags): Promise<Made> {
    return this.withClient(flags, async (client) => {
      const { user, token } = await client.createUser(request);
      if (user === undefined || token === '')
        throw new CommandError(
          EXIT.failed,
          'the coordinator answered without a token; "podctl version" shows whether it fits this command',
        );
      return { user: userView(user), token };
    });
  }

  private tell({ name, role }: UserView, where: string): void {
    this.say(
      `Let in ${name} as ${role}. ${where}: give it to them in private, with the fleet's ca.crt. They run "podctl context add NAME --server HOST:PORT --ca-file ca.crt --token-file FILE --use". "podctl user revoke ${name}" puts them out.`,
    );
  }
}
