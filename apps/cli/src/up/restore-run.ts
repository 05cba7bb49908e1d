import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bootstrapVariable, type NatsAccess } from '@podctl/platform/bootstrap.ts';
import { spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { acquireFolderLock, FolderLockError } from '@podctl/platform/folder-lock.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CommandError, commandErrorFrom, EXIT } from '../command-error.ts';
import { appScript, coordinatorBootstrap } from './bootstrap.ts';
import { dataFolder, makeDataFolder } from './data-folder.ts';
import { hostsOf } from './fleet-security.ts';
import { keysOf } from './keys.ts';
import { openLogFile } from './log-file.ts';
import { natsAccess } from './nats-access.ts';
import { embeddedNats } from './nats-server.ts';
import type { SetupReport } from './setup-report.ts';
import type { Stopping } from './stopping.ts';
import { SupervisedChild } from './supervised-child.ts';
import { prepareToolchain } from './toolchain.ts';

export interface RestorePlan {
  readonly settings: Settings;
  /** Absolute. */
  readonly file: string;
  /** Where Python environments lie; by default the data folder. */
  readonly pythonRoot: string | undefined;
}

/** What a coordinator's process that restores says on stdout, a JSON line each. */
export interface RestoreDone {
  readonly kind: 'done';
  readonly cluster: string;
  readonly keys: number;
  readonly freed: number;
  /** Of transcripts, that the library did not have. */
  readonly files: number;
  readonly file: {
    readonly sha256: string;
    readonly header: {
      readonly cluster: string;
      readonly time: string;
      readonly episodes: number;
      readonly feeds: number;
    };
  };
}

type RestoreLine =
  | RestoreDone
  | {
      readonly kind: 'progress';
      readonly phase: 'checking' | 'waiting' | 'writing';
      readonly keys: number;
      readonly total: number;
    }
  | { readonly kind: 'failed'; readonly refused: boolean; readonly message: string };

const STOP_MS = 3_000;

/**
 * Has a coordinator's process restore a backup: into the NATS server of nats.url or, where none is set, into the one of
 * the data folder, which is started for the time of it. Rejects with CommandError.
 */
export async function runRestore(
  plan: RestorePlan,
  report: SetupReport,
  stopping: Stopping,
): Promise<RestoreDone> {
  await using cleanup = new AsyncDisposableStack();
  const { settings } = plan;
  const known = await natsAccess(settings);
  const place =
    known === null
      ? await embedded(plan, report, stopping, cleanup)
      : { access: known, lockFd: null };
  // Its file holds the password of NATS.
  const folder = await mkdtemp(join(tmpdir(), 'podctl-restore-'));
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));
  // Awaited here: what it uses would be gone else.
  return await restoreWith(plan, place, folder, report, stopping);
}

interface NatsPlaceInUse {
  readonly access: NatsAccess;
  readonly lockFd: number | null;
}

async function embedded(
  { settings, pythonRoot }: RestorePlan,
  report: SetupReport,
  stopping: Stopping,
  cleanup: AsyncDisposableStack,
): Promise<NatsPlaceInUse> {
  const data = dataFolder(settings.dataDir);
  await makeDataFolder(data.root);
  const lock = await lockOf(data.root, stopping.signal);
  cleanup.defer(() => lock.release());
  const root = pythonRoot ?? settings.dataDir;
  const toolchain = await prepareToolchain(root, report, () => undefined, stopping.signal).catch(
    (error: unknown) => {
      if (!(error instanceof PythonEnvError)) throw error;
      throw new CommandError(EXIT.failed, error.message, error);
    },
  );
  const authority = await keysOf(settings);
  const log = openLogFile(join(data.logs, 'nats-server.log'));
  cleanup.defer(() => log.close());
  const told = (line: string) => report.line(line);
  const nats = embeddedNats({
    program: toolchain.natsServer,
    folder: data.nats,
    storeLimitBytes: settings.nats.storeLimitBytes,
    listen: settings.nats.listen,
    authority,
    hosts: hostsOf(settings),
    lockFd: lock.fd,
    log: (line) => log.write(line),
    told,
  });
  const server = new SupervisedChild(nats.charge, {
    told,
    gaveUp: (error) => stopping.end(error),
  });
  cleanup.defer(() => server.stop());
  await server.start(stopping.signal);
  const { folder, ca } = authority;
  const as = { kind: 'authority', folder } as const;
  return { access: { servers: [nats.url()], as, ca: ca.certPem }, lockFd: lock.fd };
}

async function restoreWith(
  { settings, file }: RestorePlan,
  { access, lockFd }: NatsPlaceInUse,
  folder: string,
  report: SetupReport,
  stopping: Stopping,
): Promise<RestoreDone> {
  const path = join(folder, 'bootstrap.json');
  const bootstrap = coordinatorBootstrap(settings, access, null, null);
  await writeJsonFile(path, { ...bootstrap, endpointFile: null, restoreFile: file });
  let last: RestoreLine | null = null;
  const child = await spawnChild({
    name: 'restore',
    command: process.execPath,
    args: [appScript('coordinator')],
    tie: 'node',
    env: { ...process.env, [bootstrapVariable('coordinator')]: path },
    stdout: 'log',
    stderr: 'inherit',
    log: (text) => {
      const line = lineOf(text);
      if (line === null) return;
      last = line;
      if (line.kind === 'progress') report.progress(progressWords(line));
    },
    lockFd,
  });
  const stop = () => void child.stop({ graceMs: STOP_MS });
  stopping.signal.addEventListener('abort', stop, { once: true });
  if (stopping.signal.aborted) stop();
  const exit = await child.exited;
  if (stopping.signal.aborted) throw commandErrorFrom(stopping.signal.reason);
  const end = last as RestoreLine | null;
  if (end?.kind === 'done' && exit.code === 0) return end;
  if (end?.kind === 'failed')
    throw new CommandError(end.refused ? EXIT.conflict : EXIT.failed, end.message);
  throw new CommandError(
    EXIT.failed,
    'the restore ended before its end; run the same command again, and it begins anew',
  );
}

function progressWords({ phase, keys, total }: RestoreLine & { kind: 'progress' }): string {
  switch (phase) {
    case 'checking':
      return `  checking the file, ${keys} keys so far`;
    case 'waiting':
      return '  making sure that no coordinator leads there';
    case 'writing':
      return `  wrote ${keys} of ${total} keys`;
  }
}

function lineOf(text: string): RestoreLine | null {
  try {
    const value: unknown = JSON.parse(text);
    const isOurs = typeof value === 'object' && value !== null && 'kind' in value;
    return isOurs ? (value as RestoreLine) : null;
  } catch {
    return null;
  }
}

async function lockOf(root: string, signal: AbortSignal) {
  try {
    return await acquireFolderLock(root, { waitMs: 0, signal });
  } catch (error) {
    if (!(error instanceof FolderLockError)) throw error;
    if (error.code !== 'taken') throw new CommandError(EXIT.failed, error.message, error);
    throw new CommandError(
      EXIT.conflict,
      `another podctl uses ${root}: stop it, then run the same command again`,
      error,
    );
  }
}
