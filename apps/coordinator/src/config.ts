import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { POLL_POLICY } from '@podctl/domain/feed/poll.ts';
import { base32 } from '@podctl/domain/ids.ts';
import { TERM_RULES } from '@podctl/domain/term.ts';
import type { CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import type { Dispatcher } from 'undici';
import type { CoordinatorSettings } from './settings.ts';

/** The settings in the coordinator's own terms. */
export function coordinatorSettings(
  { settings, proveAlone }: CoordinatorBootstrap,
  known: {
    version: string;
    address: () => string;
    metricsAddress: () => string;
    libraryId: string;
    dispatcher: Dispatcher;
  },
): CoordinatorSettings {
  const { feeds, retry, planner, downloads, transcribe, stall, leader } = settings;
  const { multiWorkerMinEpisodes, feedShareMax } = planner;
  return {
    coordinator: `${hostname()}-${base32(randomBytes(5))}`,
    version: known.version,
    address: known.address,
    metricsAddress: known.metricsAddress,
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
    itemsMax: feeds.itemsMax,
    view: {
      stalledAfterMs: stall.checkEveryMs * stall.checks,
      staleAfterMs: settings.locks.staleAfterMs,
      failingAfter: POLL_POLICY.failingAfter,
    },
    revokeStale: settings.locks.stalePolicy === 'revoke',
    heartbeatMs: settings.sessions.heartbeatMs,
    lostAfterMs: settings.sessions.lostAfterMs,
    sweepEveryMs: settings.sweep.everyMs,
    sweepOlderThanMs: settings.sweep.olderThanMs,
    keepAudio: settings.library.keepAudio,
    downloadBandwidthMax: settings.downloads.bandwidthBytesPerSecondMax,
    model: transcribe.model,
    language: transcribe.language,
  };
}

/** Losses with different agents after which a job is said to kill them: the third settles it. */
const LOSSES_MAX = 3;
