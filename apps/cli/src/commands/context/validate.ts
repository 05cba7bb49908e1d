import * as Args from '@oclif/core/args';
import { BaseCommand, type GlobalFlags } from '../../base-command.ts';
import { commandErrorFrom, EXIT } from '../../command-error.ts';
import type { Endpoint } from '../../endpoint.ts';
import { type Column, tableLines } from '../../render/table.ts';
import { callerView, type RoleWord } from '../../views/access-map.ts';
import { serverView } from '../../views/fleet-map.ts';

/** A coordinator as it answered, or why it did not. */
interface TriedServerView {
  readonly address: string;
  /** One sentence without its full stop; empty when it answered. */
  readonly problem: string;
  /** Who it takes you for; empty where nobody is asked for a token. */
  readonly name: string;
  readonly role: RoleWord | 'unknown';
  readonly version: string;
  readonly clusterId: string;
}

/** What `--json` prints. */
interface ValidationView {
  readonly valid: boolean;
  /** One sentence each; empty when it is valid. */
  readonly problems: readonly string[];
  readonly servers: readonly TriedServerView[];
}

export default class ContextValidate extends BaseCommand {
  static override summary = 'Connect to each coordinator of a context, and tell who you are there.';
  static override description = 'Exits 7 when one of them does not answer, or is of another fleet.';
  static override examples = [
    '<%= config.bin %> context validate',
    '<%= config.bin %> context validate home',
    "<%= config.bin %> context validate home --json | jq -r '.problems[]'",
  ];
  static override args = {
    name: Args.string({ description: 'a context; the one that commands use when it is left out' }),
  };

  async run(): Promise<ValidationView> {
    const { args, flags } = await this.parse(ContextValidate);
    this.obey(flags);
    const endpoint = await this.endpoint({ ...flags, context: args.name ?? flags.context });
    const servers = await Promise.all(
      endpoint.addresses.map((address) => this.tried({ ...endpoint, addresses: [address] }, flags)),
    );
    const problems = problemsOf(servers);
    this.lines(tableLines(columns, servers, { heads: true, wide: false }));
    for (const problem of problems) this.say(`${problem}.`);
    if (problems.length > 0) process.exitCode = EXIT.conditionFalse;
    else this.say(greeting(endpoint, servers[0]));
    return { valid: problems.length === 0, problems, servers };
  }

  private async tried(endpoint: Endpoint, flags: GlobalFlags): Promise<TriedServerView> {
    const address = endpoint.addresses.join();
    try {
      return await this.withClientAt(endpoint, flags, async (client) => {
        const { name, role } = callerView(await client.whoAmI());
        const { version, clusterId } = serverView(await client.serverInfo());
        return { address, problem: '', name, role, version, clusterId };
      });
    } catch (error) {
      const problem = commandErrorFrom(error).message;
      return { address, problem, name: '', role: 'unknown', version: '', clusterId: '' };
    }
  }
}

function problemsOf(servers: readonly TriedServerView[]): readonly string[] {
  const problems = servers.map(({ problem }) => problem).filter((problem) => problem !== '');
  const clusters = new Set(servers.map(({ clusterId }) => clusterId).filter((id) => id !== ''));
  if (clusters.size < 2) return problems;
  return [
    ...problems,
    `the coordinators are of ${clusters.size} fleets (${[...clusters].join(', ')}); a context is for one`,
  ];
}

function greeting({ ca }: Endpoint, server: TriedServerView | undefined): string {
  const who = server?.name ?? '';
  const way = ca === null ? 'Nothing is encrypted on the way' : 'The way there is encrypted';
  if (who === '') return `Nobody is asked for a token there. ${way}.`;
  return `You are ${who} there, with the role ${server?.role}. ${way}.`;
}

const columns: readonly Column<TriedServerView>[] = [
  { head: 'SERVER', cell: ({ address }) => address },
  { head: 'STATE', cell: ({ problem }) => (problem === '' ? 'ok' : 'fails') },
  { head: 'YOU', cell: ({ name }) => name || '-' },
  { head: 'ROLE', cell: ({ role }) => (role === 'unknown' ? '-' : role) },
  { head: 'VERSION', cell: ({ version }) => version || '-' },
  { head: 'CLUSTER', cell: ({ clusterId }) => clusterId || '-' },
];
