import { BaseCommand } from '../base-command.ts';
import { commandErrorFrom, EXIT } from '../command-error.ts';
import { type Skew, skewOf, skewWarning } from '../version-skew.ts';
import { type ServerView, serverView } from '../views/fleet-map.ts';

export interface VersionView {
  readonly client: { readonly version: string; readonly node: string };
  /** Null when no coordinator answers; `serverProblem` says why. */
  readonly server: ServerView | null;
  readonly serverProblem: string;
  /** Null without a server. */
  readonly skew: Skew | null;
}

export default class Version extends BaseCommand {
  static override summary =
    'Show the versions of this command and of the coordinator, and whether they fit.';
  static override examples = [
    '<%= config.bin %> version',
    "<%= config.bin %> version --json | jq -r '.client.version'",
    '<%= config.bin %> version --server 127.0.0.1:7070',
  ];

  async run(): Promise<VersionView> {
    const { flags } = await this.parse(Version);
    const client = { version: this.config.version, node: process.versions.node };
    this.log(`client  podctl ${client.version}, Node ${client.node}`);
    try {
      const server = await this.withClient(flags, async (coordinator) =>
        serverView(await coordinator.serverInfo()),
      );
      const nats =
        server.natsVersion === '' ? 'not connected to NATS' : `nats-server ${server.natsVersion}`;
      this.log(`server  podctl ${server.version}, ${nats}`);
      const warning = skewWarning(client.version, server.version);
      if (warning !== null) this.say(warning);
      const skew = skewOf(client.version, server.version);
      return { client, server, serverProblem: '', skew };
    } catch (error) {
      // One asks for the version just when nothing else works: a silent server is no failure, a wrong flag is.
      const told = commandErrorFrom(error);
      if (told.exitCode !== EXIT.unavailable && told.exitCode !== EXIT.deadline) throw told;
      this.log(`server  none: ${told.message}`);
      return { client, server: null, serverProblem: told.message, skew: null };
    }
  }
}
