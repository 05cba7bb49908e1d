import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { authorityPaths } from '@podctl/platform/authority/authority.ts';
import { s3PlaceName } from '@podctl/platform/config/s3-place.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import {
  acquireFolderLock,
  type FolderLock,
  FolderLockError,
} from '@podctl/platform/folder-lock.ts';
import { writeJsonFile } from '@podctl/platform/json-file.ts';
import { PythonEnvError } from '@podctl/platform/python-env-error.ts';
import { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { resolveEndpoint } from '../endpoint.ts';
import { addFeeds, type FeedToAdd } from '../feed-adding.ts';
import { countWords } from '../render/words.ts';
import type { AddedFeedView } from '../views/feed-map.ts';
import { dataFolder, dataFolderError, makeDataFolder } from './data-folder.ts';
import { Family } from './family.ts';
import { isOpen } from './fleet-security.ts';
import { keysOf } from './keys.ts';
import { openLogFile } from './log-file.ts';
import { sampleFeeds, serveSample } from './sample-feeds.ts';
import type { SetupReport } from './setup-report.ts';
import type { Stopping } from './stopping.ts';
import { prepareToolchain } from './toolchain.ts';

export interface UpPlan {
  readonly settings: Settings;
  readonly sample: boolean;
  /** The user's own feeds. */
  readonly feeds: readonly FeedToAdd[];
  /** Where Python environments lie; by default the data folder. */
  readonly pythonRoot: string | undefined;
}

/** A fleet that runs. */
export interface RunningFleet {
  readonly client: CoordinatorClient;
  /** Or its bucket. */
  readonly libraryFolder: string;
  /** How many different feeds were asked for at this start. */
  readonly feedsAdded: number;
  /** Those that the coordinator refused, one sentence each. */
  readonly refused: readonly string[];
}

export interface UpPorts {
  readonly report: SetupReport;
  readonly stopping: Stopping;
  /** One line for the person while the fleet runs, e.g. that a child died. */
  readonly told: (line: string) => void;
  /** Set once there is something to kill; for the second request to stop. */
  readonly killable: (kill: () => void) => void;
}

const LOCK_WAIT_MS = 10_000;
const REQUEST_MS = 10_000;

/**
 * Sets everything up, gives the fleet to `use`, and stops all of it whatever happens, in the order: agent,
 * coordinator, nats-server, sample, lock. Rejects with CommandError, or with the reason of `stopping`.
 */
export async function withFleet<T>(
  plan: UpPlan,
  ports: UpPorts,
  use: (fleet: RunningFleet) => Promise<T>,
): Promise<T> {
  const beganAtMs = performance.now();
  const { report, stopping } = ports;
  const { signal } = stopping;
  const data = dataFolder(plan.settings.dataDir);
  await using cleanup = new AsyncDisposableStack();
  const lock = await lockDataFolder(data.root, report, signal);
  cleanup.defer(() => lock.release());
  await mkdir(data.run, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
    throw dataFolderError(data.root, error);
  });
  const toolchain = await preparedToolchain(plan, ports);
  const feeds = [...plan.feeds];
  if (plan.sample) {
    const sample = await serveSample(data.sampleFile);
    cleanup.defer(() => sample.close());
    feeds.push(...(await sampleFeeds(sample.url)));
  }
  const authority = await keysOf(plan.settings);
  const family = new Family(
    { data, settings: plan.settings, toolchain, authority, lockFd: lock.fd },
    { told: ports.told, gaveUp: (error) => stopping.end(error) },
  );
  ports.killable(() => family.kill());
  cleanup.defer(() => family.stop());
  report.progress('Starting nats-server, coordinator and agent');
  const endpoint = await family.start(signal);
  const isSecure = isOpen(plan.settings);
  const { caCertificate: ca, adminToken: tokenFile } = authorityPaths(authority.folder);
  const keys = isSecure ? { ca, tokenFile } : {};
  await writeJsonFile(data.endpointFile, { ...endpoint, ...keys, pid: process.pid });
  cleanup.defer(() => rm(data.endpointFile, { force: true }));
  const client = new CoordinatorClient(resolveEndpoint(undefined, data.root), REQUEST_MS);
  cleanup.defer(() => client.close());
  const added = await addFeeds(client, feeds);
  tellAdded(added, report);
  const seconds = ((performance.now() - beganAtMs) / 1_000).toFixed(1);
  report.line(
    `podctl is ready in ${seconds} s: coordinator at ${endpoint.grpc}, data in ${data.root}`,
  );
  if (isSecure && endpoint.bytes !== undefined)
    report.line('Other machines can join: run "podctl agent token create --print-command"');
  signal.throwIfAborted();
  const known = new Set(added.map((feed) => feed.feedId).filter((id) => id !== ''));
  return await use({
    client,
    libraryFolder:
      plan.settings.library.s3 === null
        ? plan.settings.library.folder
        : s3PlaceName(plan.settings.library.s3),
    feedsAdded: known.size,
    refused: added
      .filter((feed) => feed.outcome === 'refused')
      .map((feed) => `feed ${feed.url} was refused: ${feed.problem}`),
  });
}

async function lockDataFolder(
  root: string,
  report: SetupReport,
  signal: AbortSignal,
): Promise<FolderLock> {
  await makeDataFolder(root);
  try {
    return await acquireFolderLock(root, {
      waitMs: LOCK_WAIT_MS,
      signal,
      onWait: (holder) =>
        report.line(
          `Another podctl (${holder}) uses ${root}: waiting up to ${LOCK_WAIT_MS / 1_000} s for its end`,
        ),
    });
  } catch (error) {
    if (!(error instanceof FolderLockError)) throw error;
    throw lockError(root, error);
  }
}

function lockError(root: string, error: FolderLockError): CommandError {
  switch (error.code) {
    case 'taken':
      // The setting's name is `dataDir`; whoever runs `up` has the flag at hand.
      return new CommandError(
        EXIT.conflict,
        error.message.replace(
          /name another folder with dataDir$/,
          'choose another with --data-dir',
        ),
        error,
      );
    case 'io':
      return dataFolderError(root, error);
    case 'no_flock':
      return new CommandError(EXIT.failed, error.message, error);
  }
}

async function preparedToolchain(plan: UpPlan, ports: UpPorts) {
  const { dataDir } = plan.settings;
  const log = openLogFile(join(dataFolder(dataDir).logs, 'python.log'));
  try {
    return await prepareToolchain(
      plan.pythonRoot ?? dataDir,
      ports.report,
      (line) => log.write(line),
      ports.stopping.signal,
      plan.settings.transcribe.device,
    );
  } catch (error) {
    if (error instanceof PythonEnvError) throw new CommandError(EXIT.failed, error.message, error);
    throw error;
  } finally {
    await log.close();
  }
}

function tellAdded(added: readonly AddedFeedView[], report: SetupReport): void {
  const count = (outcome: string) => added.filter((feed) => feed.outcome === outcome).length;
  if (count('added') > 0) report.line(`Added ${countWords(count('added'), 'feed')}`);
  if (count('moved') > 0) report.line(`Moved ${countWords(count('moved'), 'feed')} to a new URL`);
  for (const feed of added)
    if (feed.outcome === 'refused') report.line(`Feed ${feed.url} was refused: ${feed.problem}`);
}
