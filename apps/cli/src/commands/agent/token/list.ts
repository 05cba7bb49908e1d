import { ListCommand } from '../../../list-command.ts';
import type { Column } from '../../../render/table.ts';
import { durationWords } from '../../../render/words.ts';
import { type JoinTokenView, joinTokenView } from '../../../views/access-map.ts';
import type { ListDocument } from '../../../views/list-document.ts';

export default class AgentTokenList extends ListCommand {
  static override summary =
    'List join tokens: whom they let in and until when; never their secrets.';
  static override examples = [
    '<%= config.bin %> agent token list',
    '<%= config.bin %> agent token list -o wide',
    '<%= config.bin %> agent token list --json | jq \'.items[] | select(.state == "open")\'',
  ];

  async run(): Promise<ListDocument<JoinTokenView>> {
    const { flags } = await this.parse(AgentTokenList);
    const document = await this.collect(flags, async (client, page) => {
      const { tokens, nextPageToken } = await client.listJoinTokens(page);
      return { items: tokens.map(joinTokenView), nextPageToken };
    });
    const none = 'No join tokens: make one with "podctl agent token create --print-command".';
    return this.table(document, columns(this.timeCell(flags), Date.now()), flags, none);
  }
}

function columns(
  timeOf: (iso: string | null) => string,
  nowMs: number,
): readonly Column<JoinTokenView>[] {
  return [
    { head: 'TOKEN', cell: (token) => token.tokenId },
    { head: 'STATE', cell: (token) => token.state },
    { head: 'AGENT', cell: (token) => token.agentId || 'any' },
    { head: 'USED', cell: (token) => `${token.usedBy.length}/${token.usesMax}`, align: 'right' },
    { head: 'LEFT', cell: (token) => leftWords(token, nowMs), align: 'right' },
    { head: 'AGE', cell: (token) => timeOf(token.createdAt), align: 'right' },
    { head: 'BY', cell: (token) => token.createdBy },
    { head: 'USED BY', cell: (token) => token.usedBy.join(', '), wide: true },
  ];
}

function leftWords({ state, expiresAt }: JoinTokenView, nowMs: number): string {
  if (state !== 'open' || expiresAt === null) return '-';
  return durationWords((Date.parse(expiresAt) - nowMs) / 1_000);
}
