import { listContexts } from '../../context/context-list.ts';
import { configFolder } from '../../context/context-store.ts';
import type { ContextView } from '../../context/context-view.ts';
import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class ContextList extends ListCommand {
  static override summary = 'List the fleets that you know by a name; * marks the current one.';
  static override description =
    'The context "local" is what "podctl up" runs here. A current context stays the current one whatever runs here: "podctl context use local" goes back.';
  static override examples = [
    '<%= config.bin %> context list',
    '<%= config.bin %> context list --no-headers',
    "<%= config.bin %> context list -o json | jq -r '.items[] | select(.current).name'",
  ];
  async run(): Promise<ListDocument<ContextView>> {
    const { flags } = await this.parse(ContextList);
    const contexts = await listContexts(this.dataDir(flags), configFolder());
    return this.table(this.local(contexts, flags), columns, flags, '');
  }
}

const columns: readonly Column<ContextView>[] = [
  { head: '', cell: ({ current }) => (current ? '*' : ' ') },
  { head: 'CONTEXT', cell: ({ name }) => name, isName: true },
  { head: 'SERVERS', cell: ({ servers }) => servers.join(', ') || 'not running here' },
  { head: 'TLS', cell: ({ tls }) => (tls ? 'yes' : 'no') },
  { head: 'TOKEN', cell: ({ tokenFile }) => (tokenFile === '' ? 'no' : 'yes') },
];
