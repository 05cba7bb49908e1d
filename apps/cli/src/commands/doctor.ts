import * as Flags from '@oclif/core/flags';
import { BaseCommand, type GlobalFlags } from '../base-command.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { writeBundle } from '../doctor/bundle.ts';
import { type Examination, examine } from '../doctor/examine.ts';
import { type DoctorView, isHealthy, reportLines, verdictOf } from '../doctor/report.ts';
import { onEndSignal } from '../end-signal.ts';
import { installedHere } from '../install/installation.ts';
import { MachineRoot } from '../install/machine-root.ts';
import { programRunner } from '../install/run-program.ts';
import { setupReport } from '../up/setup-report.ts';
import { settleSettings } from '../up/up-settings.ts';

interface DoctorFlags extends GlobalFlags {
  readonly agent: boolean;
  readonly bundle?: string | undefined;
  readonly config?: string | undefined;
  readonly 'nats-monitor'?: string | undefined;
  readonly root: string;
}

/** Before that, nobody wonders. */
const QUIET_MS = 2_000;
const TELL_EVERY_MS = 1_000;
/** Shorter than with other commands: all of it is to take 15 s at most. */
const CALL_MS = 4_000;

export default class Doctor extends BaseCommand {
  static override summary =
    'Look at everything that must be right, and say what to do about what is not.';
  static override description =
    'Changes nothing. Looks at this podctl, the fleet that it talks to, and the agent of this machine where there is one. Ends with 7 when a check failed; -q shows only what is not well.';
  static override examples = [
    '<%= config.bin %> doctor',
    '<%= config.bin %> doctor --agent',
    '<%= config.bin %> doctor --bundle podctl-report.tar.gz',
  ];
  static override flags = {
    agent: Flags.boolean({
      description:
        'there must be an agent on this machine; the fleet need not be known to this user',
    }),
    bundle: Flags.string({
      helpValue: 'FILE',
      description:
        'also write a .tar.gz for whoever helps: this report, settings and logs, without secrets',
    }),
    config: Flags.string({
      helpValue: 'FILE',
      description: 'settings; by default podctl.yaml here, if it is there',
    }),
    'nats-monitor': Flags.string({
      helpValue: 'URL',
      description:
        'monitoring address of a nats-server, such as http://127.0.0.1:8222: it tells of its sync to disk',
      parse: async (text) => monitorUrl(text),
    }),
    root: Flags.string({ hidden: true, default: '/', description: 'look below this folder' }),
  };

  async run(): Promise<DoctorView> {
    const { flags } = await this.parse(Doctor);
    this.obey(flags);
    const leaving = new AbortController();
    const dispose = onEndSignal((error) => leaving.abort(error));
    try {
      const examination = await this.#look(flags, leaving.signal);
      const bundle = await this.#bundle(flags, examination, leaving.signal);
      return this.#told(examination, bundle, flags);
    } finally {
      dispose();
    }
  }

  async #look(flags: DoctorFlags, signal: AbortSignal): Promise<Examination> {
    const report = setupReport(process.stderr, flags.quiet || this.jsonEnabled());
    const startMs = performance.now();
    const timer = setInterval(() => {
      const tookMs = performance.now() - startMs;
      if (tookMs < QUIET_MS || !process.stderr.isTTY) return;
      report.progress(`Looking, ${Math.floor(tookMs / 1_000)} s (15 s at most)`);
    }, TELL_EVERY_MS);
    try {
      return await examine(this.#request(flags), signal);
    } finally {
      clearInterval(timer);
      report.end();
    }
  }

  #request(flags: DoctorFlags) {
    const podctlVersion = this.config.version;
    const dataDir = this.dataDir(flags);
    return {
      ...{ podctlVersion, dataDir, monitor: flags['nats-monitor'] ?? null },
      agentWanted: flags.agent,
      callMs: flags.timeout ?? CALL_MS,
      endpoint: () => this.endpoint(flags),
      settings: () =>
        settleSettings({
          config: flags.config,
          dataDir: flags['data-dir'],
          allowPrivate: false,
          version: podctlVersion,
        }),
      installed: () =>
        installedHere({
          root: new MachineRoot(flags.root),
          dataDirFlag: flags['data-dir'] === undefined ? null : dataDir,
          dataDirDefault: dataDir,
          version: podctlVersion,
        }),
    };
  }

  async #bundle(
    { bundle }: DoctorFlags,
    examination: Examination,
    signal: AbortSignal,
  ): Promise<string | null> {
    if (bundle === undefined) return null;
    const names = await writeBundle(
      bundle,
      examination,
      this.config.version,
      programRunner(signal),
    );
    this.say(
      `Wrote ${bundle}, for this user's eyes only: ${names.join(', ')}. Look into it before you send it.`,
    );
    return bundle;
  }

  #told({ checks }: Examination, bundle: string | null, flags: DoctorFlags): DoctorView {
    this.lines(reportLines(checks, flags.quiet));
    this.say(verdictOf(checks));
    const healthy = isHealthy(checks);
    if (!healthy) process.exitCode = EXIT.conditionFalse;
    return { apiVersion: 'podctl/v1', healthy, checks, bundle };
  }
}

/** Throws CommandError (usage). What is wrong never repeats it: a password may be in it. */
function monitorUrl(text: string): string {
  const url = URL.parse(text);
  if (url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '')
    return url.href;
  throw new CommandError(
    EXIT.usage,
    '--nats-monitor is not a http:// or https:// address without a user; give e.g. http://127.0.0.1:8222',
  );
}
