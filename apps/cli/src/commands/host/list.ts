import { ListCommand } from '../../list-command.ts';
import type { Column } from '../../render/table.ts';
import { type HostView, hostView } from '../../views/host-map.ts';
import type { ListDocument } from '../../views/list-document.ts';

export default class HostList extends ListCommand {
  static override summary =
    'List podcast hosts: how many downloads each may have, and which ask for patience.';
  static override description =
    'The limits are the fleet’s, all agents together (hosts.parallelMax, hosts.limits). A host that answers 429, 503 or 403 is left alone for a while, then asked for one download at a time until enough of them come. A host is listed once a download of a feed was about to begin.';
  static override examples = [
    '<%= config.bin %> host list',
    '<%= config.bin %> host list --sort-by=-waiting',
    '<%= config.bin %> host list --json | jq \'.items[] | select(.state != "open")\'',
  ];

  async run(): Promise<ListDocument<HostView>> {
    const { flags } = await this.parse(HostList);
    const document = await this.collect(flags, async (client, page) => {
      const { hosts, nextPageToken } = await client.listHosts(page);
      return { items: hosts.map(hostView), nextPageToken };
    });
    const none = 'No host is known yet; one is as soon as something is to be downloaded there.';
    return this.table(document, columns(this.timeCell(flags)), flags, none);
  }
}

function columns(timeOf: (iso: string | null) => string): readonly Column<HostView>[] {
  return [
    { head: 'HOST', cell: ({ host }) => host, isName: true },
    { head: 'LIMIT', cell: limitCell, align: 'right' },
    { head: 'IN USE', cell: ({ running }) => String(running), align: 'right' },
    { head: 'WAITING', cell: ({ waiting }) => String(waiting), align: 'right' },
    { head: 'COOLING UNTIL', cell: ({ coolingUntil }) => coolingUntil ?? '-' },
    { head: 'WHY', cell: ({ why }) => why || '-' },
    { head: 'FEEDS', cell: ({ feeds }) => String(feeds), align: 'right' },
    { head: 'STRIKES', cell: ({ strikes }) => String(strikes), align: 'right', wide: true },
    { head: 'SINCE', cell: ({ throttledSince }) => timeOf(throttledSince), wide: true },
  ];
}

/** `1 of 4` where it has less than it may have at other times. */
function limitCell({ limit, limitMax, state }: HostView): string {
  if (limit === null) return 'none';
  return state === 'open' || limitMax === null || limit === limitMax
    ? String(limit)
    : `${limit} of ${limitMax}`;
}
