import { resolve } from 'node:path';
import * as Flags from '@oclif/core/flags';
import { formatS3Url, parseS3Place } from '@podctl/platform/config/s3-place.ts';
import { BaseCommand, type GlobalFlags } from '../../base-command.ts';
import { CommandError, EXIT } from '../../command-error.ts';
import { contextName } from '../../context/context.ts';
import { BUCKET_CREDENTIALS, type InitPlan } from '../../init/init-plan.ts';
import { type InitSession, initSession } from '../../init/init-session.ts';
import type { Wishes } from '../../init/wishes.ts';
import { dryRun, outcomeLine, runChecklist, type StepOutcome } from '../../install/checklist.ts';
import { hasSystemd } from '../../install/installation.ts';
import { MachineRoot } from '../../install/machine-root.ts';
import { type SetupReport, setupReport } from '../../up/setup-report.ts';
import { listenForStop, type Stopping } from '../../up/stopping.ts';

/** What `--json` prints. */
interface InitView {
  readonly folder: string;
  readonly mode: 'service' | 'foreground';
  readonly dryRun: boolean;
  /** Lines of what would be done; empty without --dry-run. */
  readonly plan: readonly string[];
  readonly steps: readonly StepOutcome[];
  /** What a person has to start here; empty with a service. */
  readonly commands: readonly string[];
  /** What is to be done on other machines. */
  readonly errands: readonly string[];
}

interface InitFlags extends GlobalFlags {
  readonly folder: string;
  readonly host?: string | undefined;
  readonly 'nats-host'?: string | undefined;
  readonly replicas?: string | undefined;
  readonly library?: string | undefined;
  readonly context: string;
  readonly service: boolean;
  readonly 'dry-run': boolean;
  readonly root: string;
}

export default class CoordinatorInit extends BaseCommand {
  static override summary = 'Make this machine the coordinator of a fleet: keys, NATS, services.';
  static override description =
    'A checklist, shown step by step; what is there already is left alone, so that a second run repairs. With systemd and root it installs and starts services; else it says what to start. For a second coordinator, copy the folder with the keys (authority) there first.';
  static override examples = [
    'sudo <%= config.bin %> coordinator init',
    '<%= config.bin %> coordinator init --host fleet.example --library /srv/podcasts --dry-run',
    'sudo <%= config.bin %> coordinator init --nats-host nats-1.example,nats-2.example,nats-3.example',
  ];
  static override flags = {
    folder: Flags.string({
      helpValue: 'DIR',
      default: '/etc/podctl',
      description: 'for the configuration and the keys',
    }),
    host: Flags.string({
      helpValue: 'NAMES',
      description:
        'names or addresses under which other machines reach this one, with commas between; by default all that it has',
    }),
    'nats-host': Flags.string({
      helpValue: 'a,b,c',
      description: 'where the NATS servers run: one host or three; by default here',
    }),
    replicas: Flags.string({
      options: ['1', '3'],
      description: 'on how many NATS servers the state is kept; by default on all',
    }),
    library: Flags.string({
      helpValue: 'PLACE',
      description:
        'for audio and transcripts: a folder, or a bucket as in s3://bucket/prefix; by default in the data folder',
    }),
    context: Flags.string({
      helpValue: 'NAME',
      default: 'fleet',
      description: 'name of the context that is added for you',
    }),
    service: Flags.boolean({
      default: true,
      allowNo: true,
      description: 'run NATS and the coordinator as services of systemd, where it runs',
    }),
    'dry-run': Flags.boolean({
      description: 'print every file and command; change nothing, show no secret',
    }),
    root: Flags.string({ hidden: true, default: '/', description: 'install below this folder' }),
  };

  async run(): Promise<InitView> {
    const { flags } = await this.parse(CoordinatorInit);
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    const report = setupReport(process.stderr, flags.quiet || this.jsonEnabled());
    try {
      const session = await this.#session(flags, stopping);
      if (!flags['dry-run']) return await act(session, stopping, report);
      const plan = await dryRun(session.steps);
      this.lines([...plan, ...endOf(session)]);
      return { ...viewOf(session, []), dryRun: true, plan };
    } finally {
      report.end();
      stopping.dispose();
    }
  }

  async #session(flags: InitFlags, { signal }: Stopping): Promise<InitSession> {
    const root = new MachineRoot(resolve(flags.root));
    const name = contextName(flags.context);
    if (!name.ok) throw new CommandError(EXIT.usage, name.error);
    return initSession({
      ...{ root, signal, contextName: name.value, version: this.config.version },
      folder: resolve(flags.folder),
      service: flags.service && (await serviceHere(root, flags['dry-run'])),
      wishes: wishesOf(flags),
      script: process.argv[1] ?? 'podctl',
    });
  }
}

async function act(
  session: InitSession,
  stopping: Stopping,
  report: SetupReport,
): Promise<InitView> {
  const view = {
    progress: (text: string) => report.progress(text),
    settled: (outcome: StepOutcome, number: number, count: number) =>
      report.line(outcomeLine(outcome, number, count)),
  };
  const { steps, failure } = await runChecklist(session.steps, view, stopping.signal);
  if (failure !== null) throw failure;
  for (const line of endOf(session)) report.line(line);
  return viewOf(session, steps);
}

/** What to do next. */
function endOf({ plan }: InitSession): readonly string[] {
  const { commands, errands } = plan;
  return [
    ...(errands.length === 0
      ? []
      : ['On the other machines:', ...errands.map((one) => `  ${one}`)]),
    ...(commands.length === 0
      ? []
      : [
          'Start these, each in a terminal or under a supervisor:',
          ...commands.map((one) => `  ${one}`),
        ]),
    ...bucketLines(plan),
    'Next:',
    '  podctl agent token create --print-command   # a line to run on each GPU machine',
    '  podctl feed add URL                         # what to download and transcribe',
  ];
}

/** A bucket opens only with credentials, and none are asked for here. */
function bucketLines({ config, service }: InitPlan): readonly string[] {
  if (!config.text.includes('url: "s3:')) return [];
  const variables = 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
  return service
    ? [
        `Credentials for the bucket: write ${variables} into ${BUCKET_CREDENTIALS} (mode 0600), then`,
        `  systemctl restart podctl-coordinator.service`,
      ]
    : [`Credentials for the bucket: start the coordinator with ${variables}, or with AWS_PROFILE`];
}

function viewOf({ plan }: InitSession, steps: readonly StepOutcome[]): InitView {
  const { folder, service, commands, errands } = plan;
  const mode = service ? 'service' : 'foreground';
  return { ...{ folder, mode, commands, errands, steps }, dryRun: false, plan: [] };
}

/** Rejects with CommandError when the person must choose. */
async function serviceHere(root: MachineRoot, dryRunOnly: boolean): Promise<boolean> {
  if (!(await hasSystemd(root))) return false;
  if (dryRunOnly || process.getuid?.() === 0) return true;
  throw new CommandError(
    EXIT.usage,
    'systemd runs here, and only root may install services; run this again with sudo, or with --no-service and a --folder of your own',
  );
}

function wishesOf(flags: InitFlags): Wishes {
  const { host, library, replicas } = flags;
  return {
    advertise: hosts('--host', host),
    natsHosts: hosts('--nats-host', flags['nats-host']),
    replicas: replicas === undefined ? null : Number(replicas),
    ...libraryOf(library),
  };
}

function libraryOf(place: string | undefined): Pick<Wishes, 'libraryDir' | 'libraryBucket'> {
  if (place === undefined) return { libraryDir: null };
  if (!place.startsWith('s3:')) return { libraryDir: resolve(place) };
  const bucket = parseS3Place(place);
  if (bucket !== null) return { libraryDir: null, libraryBucket: formatS3Url(bucket) };
  throw new CommandError(
    EXIT.usage,
    '--library: that is no bucket; expected e.g. --library "s3://bucket/prefix?region=eu-central-1", without credentials',
  );
}

const HOSTS_MAX = 16;

/** They become part of addresses and of a certificate. */
function hosts(flag: string, text: string | undefined): readonly string[] | null {
  if (text === undefined) return null;
  const names = text.split(',');
  const wrong = names.find((name) => !/^[A-Za-z0-9.:-]{1,253}$/.test(name));
  if (wrong === undefined && names.length <= HOSTS_MAX) return names;
  throw new CommandError(
    EXIT.usage,
    `${flag}: ${JSON.stringify((wrong ?? text).slice(0, 60))} is no name or address of a host; expected e.g. ${flag} fleet.example,192.0.2.7`,
  );
}
