import * as Flags from '@oclif/core/flags';
import { invariant } from '@podctl/domain/result.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { RunCommand } from '../../run-command.ts';
import {
  credentialAt,
  credentialFile,
  enrol,
  enrolledPlace,
  isRefused,
  readJoinToken,
} from '../../up/agent-place.ts';
import { type AgentPlace, agentBootstrap, agentIdOf } from '../../up/bootstrap.ts';
import { requiredNats } from '../../up/nats-access.ts';
import { setupReport } from '../../up/setup-report.ts';
import type { SingleApp } from '../../up/single-app.ts';
import type { Stopping } from '../../up/stopping.ts';
import { prepareToolchain } from '../../up/toolchain.ts';

export default class AgentRun extends RunCommand {
  static override summary =
    'Run an agent in the foreground: of the fleet that this machine joined, else against the NATS server of nats.url.';
  static override examples = [
    '<%= config.bin %> agent run',
    "printf '%s\\n' TOKEN | <%= config.bin %> agent run --join-file -",
    '<%= config.bin %> agent run --config /etc/podctl/agent.yaml',
    '<%= config.bin %> agent run --data-dir /var/lib/podctl',
  ];

  static override flags = {
    ...RunCommand.flags,
    'join-file': Flags.string({
      helpValue: 'FILE',
      description:
        'join with the token in this file (- is stdin), unless this machine joined before and was not put out',
    }),
    name: Flags.string({
      helpValue: 'NAME',
      description: "the agent's name when it joins; by default agent.id, else the host's",
    }),
  };

  #join: { readonly file: string | undefined; readonly name: string | undefined } = {
    file: undefined,
    name: undefined,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(AgentRun);
    this.#join = { file: flags['join-file'], name: flags.name };
    await this.runApp(flags);
  }

  protected async app(settings: Settings, stopping: Stopping): Promise<SingleApp> {
    const report = setupReport(process.stderr, false);
    const place = await this.#place(settings, stopping, (line) => report.line(line));
    const root = process.env.PODCTL_PYTHON_ROOT ?? settings.dataDir;
    const { device } = settings.transcribe;
    const quiet = () => undefined;
    const toolchain = await prepareToolchain(root, report, quiet, stopping.signal, device).catch(
      (error: unknown) => {
        if (!(error instanceof PythonEnvError)) throw error;
        throw new CommandError(EXIT.failed, error.message, error);
      },
    );
    report.end();
    const { drainMs } = settings.agent;
    const bootstrap = agentBootstrap(settings, place, toolchain, drainMs, null);
    const { stateDir } = bootstrap;
    return { key: 'agent', stateDir, drainMs, bootstrap: { ...bootstrap, endpointFile: null } };
  }

  async #place(
    settings: Settings,
    { signal }: Stopping,
    told: (line: string) => void,
  ): Promise<AgentPlace> {
    const { file, name } = this.#join;
    const known = enrolledPlace(settings);
    if (file === undefined) return known ?? (await direct(settings));
    if (known !== null) {
      const credential = credentialAt(credentialFile(settings));
      if (credential === null || !(await isRefused(credential, signal))) return known;
      told('The fleet refuses the credential of this machine: joining anew with the token');
    }
    const token = await readJoinToken(file, { signal, told });
    const { agent } = await enrol(settings, token, name ?? known?.agentId ?? null, {
      signal,
      told,
    });
    told(`Joined the fleet as ${agent}`);
    const place = enrolledPlace(settings);
    invariant(place !== null, 'who has just joined is enrolled');
    return place;
  }
}

/** On a NATS server with users of its own, and with the library mounted here. */
async function direct(settings: Settings): Promise<AgentPlace> {
  const nats = await requiredNats(settings);
  if (nats.as.kind === 'authority')
    throw new CommandError(
      EXIT.usage,
      'this machine has not joined the fleet; give a token with --join-file ("podctl agent token create" makes one)',
    );
  return { agentId: agentIdOf(settings), nats, coordinators: [], credentialFile: null };
}
