import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { type UserView, userView } from '../../views/access-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class UserList extends ListCommand {
  static override summary = 'List the people who were let in, and what each may do.';
  static override examples = [
    '<%= config.bin %> user list',
    '<%= config.bin %> user list --no-headers',
    '<%= config.bin %> user list --json | jq \'.items[] | select(.role == "admin").name\'',
  ];

  async run(): Promise<ListDocument<UserView>> {
    const { flags } = await this.parse(UserList);
    const document = await this.collect(flags, async (client, page) => {
      const { users, nextPageToken } = await client.listUsers(page);
      return { items: users.map(userView), nextPageToken };
    });
    const none = 'Nobody was let in: do so with "podctl user create NAME --role viewer".';
    return this.table(document, columns(this.timeCell(flags)), flags, none);
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<UserView>[] {
  return [
    { head: 'NAME', cell: (user) => user.name },
    { head: 'ROLE', cell: (user) => user.role },
    { head: 'STATE', cell: (user) => user.state },
    { head: 'AGE', cell: (user) => timeOf(user.createdAt), align: 'right' },
    { head: 'BY', cell: (user) => user.createdBy },
    { head: 'REVOKED', cell: (user) => timeOf(user.revokedAt), align: 'right' },
  ];
}
