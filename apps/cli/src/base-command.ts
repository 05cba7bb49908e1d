import { resolve } from 'node:path';
import { Command, Errors, Flags } from '@oclif/core';
import { CoordinatorClient } from './client.ts';
import { CommandError, commandErrorFrom, EXIT } from './command-error.ts';
import { durationFlag } from './duration-flag.ts';
import { chooseEndpoint, defaultDataDir, type Endpoint } from './endpoint.ts';
import { whySeen } from './file-error.ts';

const helpGroup = 'GLOBAL';

/** What the flags of every command hold. */
export interface GlobalFlags {
  readonly server?: string | undefined;
  readonly context?: string | undefined;
  readonly 'ca-file'?: string | undefined;
  readonly 'data-dir'?: string | undefined;
  readonly timeout?: number | undefined;
  readonly quiet: boolean;
  readonly 'no-color': boolean;
}

const TIMEOUT_MS = 10_000;

/**
 * What every command shares: global flags, and errors as one sentence on stderr with the exit code of the contract.
 * A command returns its data (the `--json` contract) and prints beside it: `log` is mute under --json.
 */
export abstract class BaseCommand extends Command {
  static override enableJsonFlag = true;
  static override baseFlags = {
    // Which of the two counts depends on where each was named: their variables are read apart.
    server: Flags.string({
      helpGroup,
      helpValue: 'host:port',
      description:
        'coordinator to talk to, or several with commas between; by default those of the current context, and where none is chosen the one that "podctl up" runs here [env: PODCTL_SERVER]',
    }),
    context: Flags.string({
      helpGroup,
      char: 'c',
      helpValue: 'NAME',
      description:
        'fleet to talk to, of "podctl context list"; "local" is what "podctl up" runs here [env: PODCTL_CONTEXT]',
    }),
    'ca-file': Flags.string({
      helpGroup,
      env: 'PODCTL_CA_FILE',
      helpValue: 'FILE',
      description:
        "CA certificate of the fleet: talk TLS, and only to its coordinators. Your token is read from the file that PODCTL_TOKEN_FILE names, else the context's",
    }),
    'data-dir': Flags.string({
      helpGroup,
      env: 'PODCTL_DATA_DIR',
      helpValue: 'DIR',
      description: 'data folder of "podctl up"; by default .podctl here, else the XDG data folder',
    }),
    timeout: durationFlag({
      helpGroup,
      helpValue: '10s',
      description: 'time limit of each request (10s)',
    }),
    quiet: Flags.boolean({ helpGroup, char: 'q', description: 'no messages on stderr' }),
    'no-color': Flags.boolean({ helpGroup, description: 'no colours; NO_COLOR does the same' }),
  };

  #quiet = false;

  protected dataDir(flags: GlobalFlags): string {
    return resolve(flags['data-dir'] ?? defaultDataDir());
  }

  /** The coordinators that are meant. Rejects with CommandError. */
  protected endpoint(flags: GlobalFlags): Promise<Endpoint> {
    return chooseEndpoint({
      server: flags.server,
      context: flags.context,
      caFile: flags['ca-file'],
      dataDir: this.dataDir(flags),
      // The environment's only says where `local` is: it stays set while contexts are chosen.
      isDataDirNamed: this.argv.some((word) => /^--data-dir(?:=|$)/.test(word)),
    });
  }

  /** Gives `use` a client, and closes it after. */
  protected async withClient<T>(
    flags: GlobalFlags,
    use: (client: CoordinatorClient) => Promise<T>,
  ): Promise<T> {
    return await this.withClientAt(await this.endpoint(flags), flags, use);
  }

  /** The same, of coordinators that were chosen before. */
  protected async withClientAt<T>(
    endpoint: Endpoint,
    flags: GlobalFlags,
    use: (client: CoordinatorClient) => Promise<T>,
  ): Promise<T> {
    this.obey(flags);
    const client = new CoordinatorClient(endpoint, flags.timeout ?? TIMEOUT_MS);
    try {
      return await use(client);
    } finally {
      client.close();
    }
  }

  /** For what says something without having talked to a coordinator. */
  protected obey({ quiet }: Pick<GlobalFlags, 'quiet'>): void {
    this.#quiet = quiet;
  }

  /** A message for the person, on stderr: what changed, what to do next. */
  protected say(message: string): void {
    if (!this.#quiet && !this.jsonEnabled()) process.stderr.write(`${message}\n`);
  }

  protected lines(lines: readonly string[]): void {
    if (lines.length > 0) this.log(lines.join('\n'));
  }

  /** `-o json` is `--json`. */
  override jsonEnabled(): boolean {
    return super.jsonEnabled() || outputFlag(this.argv) === 'json';
  }

  override async init(): Promise<void> {
    await super.init();
    // Before oclif's own listener, which throws what is no EPIPE: that would end as a crash with a stack.
    process.stdout.prependListener('error', onOutputError);
  }

  override async catch(error: Error & { exitCode?: number }): Promise<void> {
    // oclif's own: a usage error prints itself with the help, an exit is no error.
    if (error instanceof Errors.CLIError) return super.catch(error);
    if (isOutputError(error)) return onOutputError(error);
    const told = spoken(commandErrorFrom(error));
    process.exitCode = told.exitCode;
    if (this.jsonEnabled())
      this.logJson({
        error: { message: told.message, exitCode: told.exitCode, ...told.details },
      });
    else process.stderr.write(`podctl: ${told.message.replace(/(?<![.?!…])$/, '.')}\n`);
    if (isBug(told)) process.stderr.write(`${stackOf(told)}\n`);
    this.exit(told.exitCode);
  }
}

/** A reader that left (`podctl … | head`) is no failure; data that could not be written is one. */
function onOutputError(error: NodeJS.ErrnoException): never {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  const why = whySeen(error) ?? error.message;
  process.stderr.write(`podctl: the output could not be written: ${why}; write it elsewhere.\n`);
  process.exit(EXIT.failed);
}

/** A write to a file or a pipe that failed at once rather than through the stream's event. */
function isOutputError(error: NodeJS.ErrnoException): boolean {
  return error.syscall === 'write' && error.code !== undefined;
}

/** oclif frames the error of a flag's parser in words of its own. */
function spoken(error: CommandError): CommandError {
  const match = /^Parsing --\S+ \n\t([\s\S]*)\nSee more help with --help$/.exec(error.message);
  return match?.[1] === undefined
    ? error
    : new CommandError(error.exitCode, match[1], error.cause, error.details);
}

/** What no code expected: the stack helps whoever reports it. */
function isBug(error: CommandError): boolean {
  return (
    error.exitCode === EXIT.failed &&
    (error.cause instanceof TypeError ||
      error.cause instanceof RangeError ||
      error.cause instanceof ReferenceError)
  );
}

function stackOf(error: CommandError): string {
  return error.cause instanceof Error ? (error.cause.stack ?? '') : '';
}

/** The value of `-o` or `--output` among the words before `--`. */
export function outputFlag(argv: readonly string[]): string | null {
  const end = argv.indexOf('--');
  const words = end === -1 ? argv : argv.slice(0, end);
  for (const [i, word] of words.entries()) {
    if (word === '-o' || word === '--output') return words[i + 1] ?? null;
    const match = /^(?:--output=|-o=?)(\S+)$/.exec(word);
    if (match !== null) return match[1] ?? null;
  }
  return null;
}
