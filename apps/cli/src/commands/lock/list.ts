import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { ageWords } from '../../render/words.ts';
import type { ListDocument } from '../../views/list-document.ts';
import { type LockView, lockView } from '../../views/lock-map.ts';
import { collectPages } from '../../views/page-collector.ts';

export default class LockList extends ListCommand {
  static override summary = 'List held locks: holder, fencing token, age, stale or not.';
  static override examples = [
    '<%= config.bin %> lock list',
    '<%= config.bin %> lock list -o wide',
    "<%= config.bin %> lock list --json | jq '.items[] | select(.stale)'",
  ];

  async run(): Promise<ListDocument<LockView>> {
    const { flags } = await this.parse(LockList);
    const document = await this.withClient(flags, (client) =>
      collectPages(
        async (page) => {
          const { locks, nextPageToken } = await client.listLocks(page);
          return { items: locks.map(lockView), nextPageToken };
        },
        flags.limit,
        flags['page-token'],
      ),
    );
    return this.table(document, columns(Date.now()), flags, 'No lock is held.');
  }
}

function columns(nowMs: number): readonly Column<LockView>[] {
  return [
    { head: 'FEED', cell: (lock) => lock.feedId },
    { head: 'EPISODE', cell: (lock) => lock.episodeId },
    { head: 'STAGE', cell: (lock) => lock.stage },
    { head: 'AGENT', cell: (lock) => lock.agentId },
    { head: 'TOKEN', cell: (lock) => lock.token, align: 'right' },
    { head: 'STATE', cell: (lock) => (lock.stale ? `${lock.state}, stale` : lock.state) },
    { head: 'AGE', cell: (lock) => ageWords(lock.heldSince, nowMs), align: 'right' },
    { head: 'PROGRESS', cell: (lock) => ageWords(lock.lastProgressAt, nowMs), align: 'right' },
    { head: 'SESSION', cell: (lock) => lock.session, wide: true },
    { head: 'EPOCH', cell: (lock) => lock.epoch, wide: true },
  ];
}
