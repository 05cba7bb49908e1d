import { resolve } from 'node:path';
import { Command } from '@oclif/core/command';
import * as Errors from '@oclif/core/errors';
import * as Flags from '@oclif/core/flags';
import { CoordinatorClient } from './client.ts';
import { CommandError, commandErrorFrom, EXIT } from './command-error.ts';
import { confirm } from './confirmation.ts';
import { durationFlag } from './duration-flag.ts';
import { chooseEndpoint, defaultDataDir, type Endpoint } from './endpoint.ts';
import { endByOutput } from './output-error.ts';
import {
  LIST_FORMS,
  OBJECT_FORMS,
  outputOfEnvironment,
  type WrittenFlag,
  writtenFlags,
} from './output-form.ts';
import { oneLine } from './render/cell.ts';
import { isUnknownRequest } from './status-map.ts';
import { skewWarning } from './version-skew.ts';

const helpGroup = 'GLOBAL';

/** What the flags of every command hold. */
export interface GlobalFlags {
  readonly server?: string | undefined;
  readonly context?: string | undefined;
  readonly 'ca-file'?: string | undefined;
  readonly 'data-dir'?: string | undefined;
  readonly timeout?: number | undefined;
  readonly quiet: boolean;
  readonly verbose?: boolean;
  readonly 'no-color': boolean;
  readonly 'no-input'?: boolean;
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
    output: Flags.string({
      helpGroup,
      char: 'o',
      options: [...OBJECT_FORMS],
      description:
        'print the data, not words for people; json is the same as --json [env: PODCTL_OUTPUT]',
    }),
    quiet: Flags.boolean({ helpGroup, char: 'q', description: 'no messages on stderr' }),
    verbose: Flags.boolean({
      helpGroup,
      char: 'v',
      exclusive: ['quiet'],
      description: 'tell on stderr who is asked, how long it took, and what an error came from',
    }),
    'no-input': Flags.boolean({
      helpGroup,
      description: 'never ask; what would be asked needs --yes. CI does the same',
    }),
    'no-color': Flags.boolean({ helpGroup, description: 'no colours; NO_COLOR does the same' }),
  };

  #quiet = false;
  #verbose = process.env.PODCTL_LOG_LEVEL === 'debug';
  #yamlOf: ((value: unknown) => string) | null = null;

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
      isDataDirNamed: this.isDataDirNamed(),
    });
  }

  protected isDataDirNamed(): boolean {
    return this.argv.some((word) => /^--data-dir(?:=|$)/.test(word));
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
    this.#tellPlace(endpoint);
    const beganAtMs = performance.now();
    const client = new CoordinatorClient(endpoint, flags.timeout ?? TIMEOUT_MS);
    try {
      return await use(client);
    } catch (error) {
      throw await this.#withSkew(error, client);
    } finally {
      client.close();
      this.detail(`Ended the talk after ${(performance.now() - beganAtMs).toFixed(0)} ms.`);
    }
  }

  /** Of a request that the coordinator does not know, both versions are told. */
  async #withSkew(error: unknown, client: CoordinatorClient): Promise<unknown> {
    if (!isUnknownRequest(error)) return error;
    const server = await client.serverInfo().catch(() => null);
    const skew = server === null ? null : skewWarning(this.config.version, server.version);
    return skew === null
      ? error
      : new CommandError(
          EXIT.failed,
          `the coordinator at ${client.address} does not know this request. ${skew}`,
          error,
        );
  }

  /** For what says something without having talked to a coordinator. */
  protected obey({ quiet, verbose }: Pick<GlobalFlags, 'quiet' | 'verbose'>): void {
    this.#quiet = quiet;
    this.#verbose ||= verbose === true;
  }

  /** Lets a person say yes or no. Rejects with CommandError where nobody can be asked, or said no. */
  protected async confirm(
    what: string,
    flags: Pick<GlobalFlags, 'no-input'> & { readonly yes: boolean },
  ): Promise<void> {
    await confirm(what, flags.yes, flags['no-input'] !== true);
  }

  /** For `--verbose`: how it came about. */
  protected detail(message: string): void {
    if (this.#verbose) process.stderr.write(`${oneLine(message)}\n`);
  }

  #tellPlace({ addresses, origin, ca, token }: Endpoint): void {
    const how = ca === null ? 'not encrypted' : 'TLS';
    const who = token === null ? 'without a token' : 'with a token';
    this.detail(`Asking ${addresses.join(', ')} (${origin}), ${how}, ${who}.`);
  }

  /** A message for the person, on stderr: what changed, what to do next. Whoever chose words in it, it stays one line. */
  protected say(message: string): void {
    if (!this.#quiet && !this.jsonEnabled()) process.stderr.write(`${oneLine(message)}\n`);
  }

  protected lines(lines: readonly string[]): void {
    if (lines.length > 0) this.log(lines.join('\n'));
  }

  /** The form that the words of the command line ask for. */
  protected writtenForm(): string | null {
    return this.written().findLast(({ name }) => name === 'output')?.value ?? null;
  }

  /** The flags as they were written, for what must be known before they are parsed, or when they cannot be. */
  protected written(): readonly WrittenFlag[] {
    const { flags, baseFlags } = this.ctor;
    const json = { type: 'boolean' } as const;
    return writtenFlags(this.argv, { json, ...baseFlags, ...flags });
  }

  /** `-o json` is `--json`; `-o yaml` is the same in other letters. */
  override jsonEnabled(): boolean {
    const form = this.writtenForm();
    return super.jsonEnabled() || form === 'json' || form === 'yaml';
  }

  protected override logJson(value: unknown): void {
    if (this.#yamlOf === null) super.logJson(value);
    else process.stdout.write(this.#yamlOf(value));
  }

  override async init(): Promise<void> {
    await super.init();
    this.#takeOutputOfEnvironment();
    // Loaded where it is asked for: it would be a tenth of each start.
    if (this.writtenForm() === 'yaml') this.#yamlOf = (await import('yaml')).stringify;
  }

  #takeOutputOfEnvironment(): void {
    const named = process.env.PODCTL_OUTPUT;
    if (named === undefined || named === '' || this.writtenForm() !== null) return;
    if (super.jsonEnabled()) return;
    if (!LIST_FORMS.some((form) => form === named))
      throw new CommandError(
        EXIT.usage,
        `PODCTL_OUTPUT is ${JSON.stringify(named)}; expected one of ${LIST_FORMS.join(', ')}`,
      );
    const { flags, baseFlags } = this.ctor;
    const flag = flags?.output ?? baseFlags?.output;
    const known = flag?.type === 'option' ? (flag.options ?? []) : [];
    const form = outputOfEnvironment(named, known);
    if (form !== null) this.argv = ['--output', form, ...this.argv];
  }

  /** Its own: a usage error prints itself with the help, or as every other one under --json; an exit is no error. */
  #catchOclif(error: Errors.CLIError): Promise<void> {
    if (error instanceof Errors.ExitError || !this.jsonEnabled()) return super.catch(error);
    const message = oneLine(error.message.replace(/\s*See more help with --help\s*$/, ''));
    this.logJson({ error: { message, exitCode: EXIT.usage } });
    return this.exit(EXIT.usage);
  }

  override async catch(error: Error & { exitCode?: number }): Promise<void> {
    const usage = error instanceof Errors.CLIError ? await this.#usageError(error) : null;
    if (error instanceof Errors.CLIError && usage === null) return this.#catchOclif(error);
    if (isOutputError(error)) return endByOutput(error);
    const told = usage ?? spoken(commandErrorFrom(error));
    process.exitCode = told.exitCode;
    if (this.jsonEnabled())
      this.logJson({
        error: { message: told.message, exitCode: told.exitCode, ...told.details },
      });
    else process.stderr.write(`podctl: ${sentenceOf(told)}\n`);
    if (isBug(told) || this.#verbose) process.stderr.write(`${stackOf(told)}\n`);
    this.exit(told.exitCode);
  }

  async #usageError({ message }: Error): Promise<CommandError | null> {
    // Loaded where it is needed: most lines are right.
    const { usageSentence } = await import('./usage-error.ts');
    const { id, flags, baseFlags } = this.ctor;
    const sentence = usageSentence(message, {
      name: (id ?? '').replaceAll(':', ' '),
      flags: Object.keys({ ...baseFlags, ...flags, json: null }),
    });
    return sentence === null ? null : new CommandError(EXIT.usage, sentence);
  }
}

function sentenceOf({ message }: CommandError): string {
  return oneLine(message).replace(/(?<![.?!…])$/, '.');
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
  const stack = error.cause instanceof Error ? (error.cause.stack ?? '') : '';
  return stack.split('\n').map(oneLine).join('\n');
}
