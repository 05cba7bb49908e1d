import * as Flags from '@oclif/core/flags';
import { agentId } from '@podctl/domain/ids.ts';
import { BaseCommand, type GlobalFlags } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import {
  type ChecklistResult,
  dryRun as dryRunOf,
  outcomeLine,
  runChecklist,
  type StepOutcome,
} from '../../install/checklist.ts';
import { credentialEnrolment } from '../../install/credential-enrolment.ts';
import type { ForegroundAgent } from '../../install/foreground-agent.ts';
import { type InstallSession, installSession } from '../../install/install-session.ts';
import { hasSystemd, modeFor, plannedInstallation } from '../../install/installation.ts';
import { readJoinText } from '../../install/join-text.ts';
import { MachineRoot } from '../../install/machine-root.ts';
import { type SetupReport, setupReport } from '../../up/setup-report.ts';
import { listenForStop, type Stopping } from '../../up/stopping.ts';

/** What `--json` prints. */
interface InstalledView {
  readonly agentId: string;
  readonly mode: 'service' | 'foreground';
  readonly dryRun: boolean;
  /** Lines of what would be done; empty without --dry-run. */
  readonly plan: readonly string[];
  readonly steps: readonly StepOutcome[];
}

interface InstallFlags extends GlobalFlags {
  readonly 'join-file'?: string | undefined;
  readonly name?: string | undefined;
  readonly foreground: boolean;
  readonly 'self-test': boolean;
  readonly 'dry-run': boolean;
  readonly root: string;
}

export default class AgentInstall extends BaseCommand {
  static override summary = 'Make this machine an agent of a fleet, and see that it works.';
  static override description =
    'A checklist, shown step by step; what is done already is left alone, so that a second run repairs. With systemd and root it installs a service; without systemd the agent runs in this terminal until Ctrl-C or TERM.';
  static override examples = [
    'echo "$TOKEN" | <%= config.bin %> agent install --join-file -',
    '<%= config.bin %> agent install --join-file token.txt --name gpu1 --dry-run',
    '<%= config.bin %> agent install',
  ];
  static override flags = {
    'join-file': Flags.string({
      helpValue: 'FILE',
      description: 'holds the join token of "podctl agent token create"; - is stdin',
    }),
    name: Flags.string({ description: 'of this agent in the fleet; by default the host name' }),
    foreground: Flags.boolean({
      description: 'run the agent in this terminal, and leave systemd alone',
    }),
    'self-test': Flags.boolean({
      default: true,
      allowNo: true,
      description: 'transcribe a known clip at the end',
    }),
    'dry-run': Flags.boolean({ description: 'print every file and command; change nothing' }),
    root: Flags.string({ hidden: true, default: '/', description: 'install below this folder' }),
  };

  async run(): Promise<InstalledView> {
    const { flags } = await this.parse(AgentInstall);
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    const report = setupReport(process.stderr, flags.quiet || this.jsonEnabled());
    try {
      const session = await this.#session(flags, stopping, report);
      if (!flags['dry-run']) return await this.#install(session, stopping, report);
      const plan = await dryRunOf(session.steps);
      this.lines(plan);
      return { ...viewOf(session, []), dryRun: true, plan };
    } finally {
      report.end();
      stopping.dispose();
    }
  }

  async #session(flags: InstallFlags, { signal }: Stopping, report: SetupReport) {
    const root = new MachineRoot(flags.root);
    const systemd = await hasSystemd(root);
    const isRoot = process.getuid?.() === 0;
    const { foreground, 'dry-run': dryRun } = flags;
    const mode = modeFor({ isRoot: isRoot || dryRun, systemd, foreground });
    const installation = await plannedInstallation(mode, {
      root,
      dataDirFlag: flags['data-dir'] === undefined ? null : this.dataDir(flags),
      dataDirDefault: this.dataDir(flags),
      version: this.config.version,
    });
    const source = flags['join-file'];
    const told = (line: string) => void process.stderr.write(`${line}\n`);
    return installSession({
      ...{ installation, root, signal },
      enrolment: credentialEnrolment(installation, root),
      name: nameOf(flags.name),
      joinText:
        source === undefined
          ? null
          : await readJoinText(source, { stdin: process.stdin, signal, told }),
      selfTest: flags['self-test'],
      dryRun,
      script: process.argv[1] ?? 'podctl',
      told: (line) => report.line(line),
    });
  }

  async #install(
    session: InstallSession,
    stopping: Stopping,
    report: SetupReport,
  ): Promise<InstalledView> {
    const { foreground, plan } = session;
    const view = {
      progress: (text: string) => report.progress(text),
      settled: (outcome: StepOutcome, number: number, count: number) =>
        report.line(outcomeLine(outcome, number, count)),
    };
    try {
      const { steps, failure }: ChecklistResult = await runChecklist(
        session.steps,
        view,
        stopping.signal,
      );
      if (failure !== null) throw failure;
      const next = foreground === null ? '"podctl agent status" shows it' : 'Ctrl-C ends it';
      report.line(
        `This machine is the agent ${session.agentId}; ${next}. Its settings: ${plan.paths.configFile}`,
      );
      if (foreground !== null) await untilAsked(foreground, stopping);
      return viewOf(session, steps);
    } finally {
      await stopAgent(foreground, stopping);
    }
  }
}

/** Rejects with CommandError when the agent died for good. */
async function untilAsked(foreground: ForegroundAgent, { signal }: Stopping): Promise<void> {
  const asked = Promise.withResolvers<null>();
  const onAbort = () => asked.resolve(null);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const end = await Promise.race([asked.promise, foreground.gaveUp]);
  signal.removeEventListener('abort', onAbort);
  if (end !== null) throw end;
}

/** It finishes what runs; asked once more, it hands that back at once. */
async function stopAgent(foreground: ForegroundAgent | null, stopping: Stopping): Promise<void> {
  if (foreground === null) return;
  stopping.onAgain(() => void foreground.stop().catch(() => undefined));
  await foreground.stop();
}

function nameOf(name: string | undefined): string | null {
  if (name === undefined) return null;
  const checked = agentId(name);
  if (checked.ok) return checked.value;
  throw new CommandError(EXIT.usage, `--name: ${checked.error}`);
}

function viewOf(
  { agentId: id, plan }: InstallSession,
  steps: readonly StepOutcome[],
): InstalledView {
  return { agentId: id, mode: plan.paths.mode, dryRun: false, plan: [], steps };
}
