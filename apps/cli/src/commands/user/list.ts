import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { ageWords } from '../../render/words.ts';
import { type UserView, userView } from '../../views/access-map.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { collectPages } from '../../views/page-collector.ts';

export default class UserList extends ListCommand {
  static override summary = 'List the people who were let in, and what each may do.';
  static override examples = [
    '<%= config.bin %> user list',
    '<%= config.bin %> user list --no-headers',
    '<%= config.bin %> user list --json | jq \'.items[] | select(.role == "admin").name\'',
  ];

  async run(): Promise<ListDocument<UserView>> {
    const { flags } = await this.parse(UserList);
    const document = await this.withClient(flags, (client) =>
      collectPages(
        async (page) => {
          const { users, nextPageToken } = await client.listUsers(page);
          return { items: users.map(userView), nextPageToken };
        },
        flags.limit,
        flags['page-token'],
      ),
    );
    const none = 'Nobody was let in: do so with "podctl user create NAME --role viewer".';
    return this.table(document, columns(Date.now()), flags, none);
  }
}

function columns(nowMs: number): readonly Column<UserView>[] {
  return [
    { head: 'NAME', cell: (user) => user.name },
    { head: 'ROLE', cell: (user) => user.role },
    { head: 'STATE', cell: (user) => user.state },
    { head: 'AGE', cell: (user) => ageWords(user.createdAt, nowMs), align: 'right' },
    { head: 'BY', cell: (user) => user.createdBy },
    { head: 'REVOKED', cell: (user) => ageWords(user.revokedAt, nowMs), align: 'right' },
  ];
}
