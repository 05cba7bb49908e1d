import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { type LockView, lockView } from '../../views/lock-map.ts';

export default class LockList extends ListCommand {
  static override summary = 'List held locks: holder, fencing token, age, stale or not.';
  static override examples = [
    '<%= config.bin %> lock list',
    '<%= config.bin %> lock list -o wide',
    "<%= config.bin %> lock list --json | jq '.items[] | select(.stale)'",
  ];

  async run(): Promise<ListDocument<LockView>> {
    const { flags } = await this.parse(LockList);
    const document = await this.collect(flags, async (client, page) => {
      const { locks, nextPageToken } = await client.listLocks(page);
      return { items: locks.map(lockView), nextPageToken };
    });
    return this.table(document, columns(this.timeCell(flags)), flags, 'No lock is held.');
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<LockView>[] {
  return [
    { head: 'FEED', cell: (lock) => lock.feedId },
    { head: 'EPISODE', cell: (lock) => lock.episodeId, isName: true },
    { head: 'STAGE', cell: (lock) => lock.stage, isName: true },
    { head: 'AGENT', cell: (lock) => lock.agentId },
    { head: 'TOKEN', cell: (lock) => lock.token, align: 'right' },
    { head: 'STATE', cell: (lock) => (lock.stale ? `${lock.state}, stale` : lock.state) },
    { head: 'AGE', cell: (lock) => timeOf(lock.heldSince), align: 'right' },
    { head: 'PROGRESS', cell: (lock) => timeOf(lock.lastProgressAt), align: 'right' },
    { head: 'SESSION', cell: (lock) => lock.session, wide: true },
    { head: 'EPOCH', cell: (lock) => lock.epoch, wide: true },
  ];
}
