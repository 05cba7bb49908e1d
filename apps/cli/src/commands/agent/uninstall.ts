import * as Flags from '@oclif/core/flags';
import { acquireFolderLock, FolderLockError } from '@podctl/platform/folder-lock.ts';
import { BaseCommand } from '../../base-command.ts';
import { CommandError, commandErrorFrom, EXIT } from '../../command-error.ts';
import { isThere } from '../../install/apply-effect.ts';
import { credentialEnrolment } from '../../install/credential-enrolment.ts';
import { type Installation, installedHere } from '../../install/installation.ts';
import { MachineRoot } from '../../install/machine-root.ts';
import type { Enrolment, Leaver } from '../../install/ports.ts';
import { programRunner } from '../../install/run-program.ts';
import { uninstall, uninstallEffects, uninstallLines } from '../../install/uninstall.ts';
import { dataFolder } from '../../up/data-folder.ts';
import { listenForStop } from '../../up/stopping.ts';

import { yesFlag } from '../../yes-flag.ts';

/** What `--json` prints. */
interface UninstalledView {
  readonly dryRun: boolean;
  readonly purged: boolean;
  /** Whether the fleet knows: not with --local-only, nor when it was out of reach. */
  readonly fleetTold: boolean;
  /** What is removed and run, a line each. */
  readonly removed: readonly string[];
}

const LOCK_MS_MAX = 10_000;
const LEAVE_MS_MAX = 15_000;

export default class AgentUninstall extends BaseCommand {
  static override summary = 'Take the agent off this machine.';
  static override description =
    'Lists what goes, then stops the service, which hands its work back, and removes unit, settings and user; with --purge credential, engine and models, too. It works without the fleet.';
  static override examples = [
    '<%= config.bin %> agent uninstall --keep-data',
    '<%= config.bin %> agent uninstall --purge --dry-run',
    '<%= config.bin %> agent uninstall --purge --local-only --yes',
  ];
  static override flags = {
    'keep-data': Flags.boolean({
      exactlyOne: ['keep-data', 'purge'],
      description: 'leave the data folder, with credential and engine, for another install',
    }),
    purge: Flags.boolean({ description: 'remove everything that the agent put here' }),
    'local-only': Flags.boolean({ description: 'do not put the agent out of the fleet' }),
    'dry-run': Flags.boolean({ description: 'print what would go; change nothing' }),
    yes: yesFlag,
    root: Flags.string({ hidden: true, default: '/', description: 'uninstall below this folder' }),
  };

  async run(): Promise<UninstalledView> {
    const { flags } = await this.parse(AgentUninstall);
    const root = new MachineRoot(flags.root);
    const installation = await installedHere({
      root,
      dataDirFlag: flags['data-dir'] === undefined ? null : this.dataDir(flags),
      dataDirDefault: this.dataDir(flags),
      version: this.config.version,
    });
    if (installation === null)
      throw new CommandError(
        EXIT.notFound,
        'no agent is installed on this machine, or in that data folder; nothing was changed',
      );
    const enrolment = credentialEnrolment(installation, root);
    const request = { installation, root, enrolment, purge: flags.purge };
    const effects = await uninstallEffects(request);
    const removed = uninstallLines(effects);
    this.lines(removed);
    const view = { purged: flags.purge, removed };
    if (flags['dry-run']) return { ...view, dryRun: true, fleetTold: false };
    await this.confirm(
      `what is listed would be removed, the agent's settings in ${installation.paths.configFile} among it`,
      flags,
    );
    if (installation.paths.mode === 'foreground') await refuseWhileItRuns(installation);
    const leave = flags.purge && !flags['local-only'] ? await this.#leaver(enrolment) : null;
    // The question has taken Ctrl-C for itself until here.
    const stopping = listenForStop((exitCode) => process.exit(exitCode));
    const { signal } = stopping;
    try {
      await uninstall(effects, root, programRunner(signal), signal);
      // When the agent has handed its work back, and not before.
      const fleetTold = leave !== null && (await this.#tellFleet(leave, signal));
      this.say(`The agent is gone from this machine. ${leftWords(flags.purge, installation)}`);
      return { ...view, dryRun: false, fleetTold };
    } finally {
      stopping.dispose();
    }
  }

  /** A broken credential keeps nobody from uninstalling. */
  async #leaver(enrolment: Enrolment): Promise<Leaver | null> {
    try {
      return await enrolment.leaver();
    } catch (error) {
      this.say(
        `podctl: the fleet is not told: ${commandErrorFrom(error).message}. Where you may, run "podctl agent remove NAME".`,
      );
      return null;
    }
  }

  /** A fleet out of reach keeps nobody from uninstalling. */
  async #tellFleet({ agentId, leave }: Leaver, signal: AbortSignal): Promise<boolean> {
    const problem = await leave(AbortSignal.any([signal, AbortSignal.timeout(LEAVE_MS_MAX)]));
    if (problem !== null)
      this.say(
        `podctl: the fleet could not be told: ${problem}. Where you may, run "podctl agent remove ${agentId}".`,
      );
    return problem === null;
  }
}

/** A service is stopped; whoever sits before another terminal stops what runs there. */
async function refuseWhileItRuns({ settings }: Installation): Promise<void> {
  const folder = dataFolder(settings.dataDir).agentState;
  if (!(await isThere(folder))) return;
  try {
    const lock = await acquireFolderLock(folder, {
      waitMs: 0,
      signal: AbortSignal.timeout(LOCK_MS_MAX),
    });
    await lock.release();
  } catch (error) {
    if (!(error instanceof FolderLockError) || error.code !== 'taken') throw error;
    throw new CommandError(
      EXIT.conflict,
      'the agent still runs in another terminal; end it there with Ctrl-C, then run this again',
      error,
    );
  }
}

function leftWords(purged: boolean, { paths }: Installation): string {
  if (!purged)
    return `Its data is left in ${paths.stateDir}; "podctl agent install" takes it up again.`;
  return paths.mode === 'service'
    ? 'Nothing of it is left, but its lines in the journal.'
    : 'Nothing of it is left.';
}
