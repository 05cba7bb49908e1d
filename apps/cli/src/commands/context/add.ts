import { resolve } from 'node:path';
import * as Args from '@oclif/core/args';
import * as Flags from '@oclif/core/flags';
import type { Result } from '@podctl/domain/result.ts';
import { BaseCommand, type GlobalFlags } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { contextName, serverList, tokenInTheClear } from '../../context/context.ts';
import {
  configFolder,
  currentContext,
  readContext,
  saveContext,
  saveToken,
} from '../../context/context-store.ts';
import { type ContextView, contextView } from '../../context/context-view.ts';
import { readCaFile, readTokenFile, readTokenFromStdin } from '../../context/credential-file.ts';

interface AddFlags extends GlobalFlags {
  readonly 'token-file'?: string | undefined;
  readonly use: boolean;
  readonly force: boolean;
}

export default class ContextAdd extends BaseCommand {
  static override summary = 'Remember a fleet by a name: its coordinators, its CA and your token.';
  static override description =
    'The CA certificate is copied into the context. A token on stdin is kept in a file that only you may read; one in a file stays there and is read at each command.';
  static override examples = [
    '<%= config.bin %> context add home --server gpu.example.org:7070 --ca-file ca.crt --token-file ada.token --use',
    '<%= config.bin %> context add work --server c1:7070,c2:7070,c3:7070 --ca-file ca.crt --token-file - < ada.token',
    '<%= config.bin %> context add lab --server 127.0.0.1:7070',
  ];
  static override args = {
    name: Args.string({ required: true, description: 'the name; one word of a-z, 0-9 and -' }),
  };
  static override flags = {
    'token-file': Flags.string({
      helpValue: 'FILE',
      description: 'file with your token, or - for stdin',
    }),
    use: Flags.boolean({ description: 'make it the current one' }),
    force: Flags.boolean({ description: 'replace the context that has this name' }),
  };

  async run(): Promise<ContextView> {
    const { args, flags } = await this.parse(ContextAdd);
    this.obey(flags);
    const folder = configFolder();
    const name = checked(contextName(args.name));
    const servers = checked(serversOf(flags));
    if (!flags.force && (await readContext(name, folder)) !== null)
      throw new CommandError(
        EXIT.conflict,
        `there is a context ${name} already; "podctl context show ${name}" shows it, --force replaces it`,
      );
    const caFile = flags['ca-file'];
    const caPem = caFile === undefined ? null : readCaFile(caFile);
    const tokenFile = await this.tokenFile(name, servers, caPem, flags, folder);
    const context = { name, servers, caPem, tokenFile };
    await saveContext(context, { use: flags.use }, folder);
    const next = flags.use
      ? 'It is the current one now; "podctl context validate" tries it'
      : `"podctl context use ${name}" makes it the current one, "podctl context validate ${name}" tries it`;
    const plain = caPem === null ? ' Nothing is encrypted on the way there.' : '';
    this.say(`Added the context ${name}, for ${servers.join(', ')}.${plain} ${next}.`);
    return contextView(context, (await currentContext(folder)) ?? '');
  }

  private async tokenFile(
    name: string,
    servers: readonly string[],
    caPem: string | null,
    flags: AddFlags,
    folder: string,
  ): Promise<string | null> {
    const file = flags['token-file'];
    if (file === undefined) return null;
    const refusal = tokenInTheClear(servers, caPem !== null);
    if (refusal !== null) throw new CommandError(EXIT.usage, refusal);
    if (file === '-') return await saveToken(name, await readTokenFromStdin(), folder);
    readTokenFile(file, '--token-file');
    return resolve(file);
  }
}

function serversOf({ server }: GlobalFlags): Result<readonly string[], string> {
  if (server !== undefined) return serverList(server);
  throw new CommandError(
    EXIT.usage,
    'no coordinator was named; give one or several with commas between, e.g. --server gpu.example.org:7070',
  );
}

function checked<T>(result: Result<T, string>): T {
  if (result.ok) return result.value;
  throw new CommandError(EXIT.usage, result.error);
}
