import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { POLL_POLICY } from '@podctl/domain/feed/poll.ts';
import { base32 } from '@podctl/domain/ids.ts';
import { TERM_RULES } from '@podctl/domain/term.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import type { Dispatcher } from 'undici';
import type { CoordinatorSettings } from './settings.ts';

/** Names the file that `podctl up` and `podctl coordinator run` write for this process. */
export const BOOTSTRAP_VARIABLE = 'PODCTL_COORDINATOR_BOOTSTRAP';

/** What only the one who starts this process knows, and the settings as they were resolved there. */
export interface Bootstrap {
  readonly settings: Settings;
  readonly natsUrl: string;
  readonly natsUser: string | null;
  readonly natsPassword: string | null;
  readonly libraryRoot: string;
  readonly stateDir: string;
  /** `host:port`; port 0 takes a free one. */
  readonly grpcListen: string;
  readonly httpListen: string;
  /** Where to write what was bound, as JSON; null when nobody asks. */
  readonly endpointFile: string | null;
  /** A lock on the data folder proves that no other coordinator lives. */
  readonly proveAlone: boolean;
}

/** Rejects with one sentence when the file that the variable names is not there. */
export async function readBootstrap(env: NodeJS.ProcessEnv): Promise<Bootstrap> {
  const path = env[BOOTSTRAP_VARIABLE];
  if (path === undefined)
    throw new SettingsError(
      `${BOOTSTRAP_VARIABLE} is not set; start the coordinator with "podctl coordinator run" or "podctl up"`,
    );
  return JSON.parse(await readFile(path, 'utf8')) as Bootstrap;
}

/** The settings in the coordinator's own terms. */
export function coordinatorSettings(
  { settings, proveAlone }: Bootstrap,
  known: { version: string; address: string; libraryId: string; dispatcher: Dispatcher },
): CoordinatorSettings {
  const { feeds, retry, planner, downloads, transcribe, stall, leader } = settings;
  const { multiWorkerMinEpisodes, feedShareMax } = planner;
  return {
    coordinator: `${hostname()}-${base32(randomBytes(5))}`,
    version: known.version,
    address: known.address,
    proveAlone,
    libraryId: known.libraryId,
    term: {
      ...TERM_RULES,
      ttlMs: leader.ttlMs,
      renewEveryMs: leader.ttlMs / 3,
      pollEveryMs: leader.ttlMs / 3,
    },
    plan: {
      downloadsMax: downloads.max,
      transcribersMax: transcribe.max,
      multiWorkerMinEpisodes,
      feedShareMax,
    },
    retry: {
      failuresMax: retry.attemptsMax,
      lossesMax: LOSSES_MAX,
      backoffFirstMs: retry.backoffFirstMs,
      backoffMaxMs: retry.backoffMaxMs,
    },
    poll: { ...POLL_POLICY, pollEveryMs: feeds.pollEveryMs },
    fetch: {
      dispatcher: known.dispatcher,
      userAgent: settings.network.userAgent,
      wireBytesMax: feeds.bytesMax,
      bytesMax: feeds.bytesMax,
      totalMs: feeds.timeoutMs,
      idleMs: feeds.timeoutMs,
    },
    view: {
      stalledAfterMs: stall.checkEveryMs * stall.checks,
      staleAfterMs: settings.locks.staleAfterMs,
      failingAfter: POLL_POLICY.failingAfter,
    },
    heartbeatMs: settings.sessions.heartbeatMs,
    lostAfterMs: settings.sessions.lostAfterMs,
    sweepEveryMs: settings.sweep.everyMs,
    sweepOlderThanMs: settings.sweep.olderThanMs,
    model: transcribe.model,
    language: transcribe.language,
  };
}

/** Losses with different agents after which a job is said to kill them: the third settles it. */
const LOSSES_MAX = 3;
