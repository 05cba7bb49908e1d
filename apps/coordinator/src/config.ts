import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { POLL_POLICY } from '@podctl/domain/feed/poll.ts';
import { base32 } from '@podctl/domain/ids.ts';
import { parseNameTemplate } from '@podctl/domain/name-template.ts';
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
  const names = parseNameTemplate(settings.library.names);
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
    hosts: settings.hosts,
    retry: {
      failuresMax: retry.attemptsMax,
      lossesMax: LOSSES_MAX,
      backoffFirstMs: retry.backoffFirstMs,
      backoffMaxMs: retry.backoffMaxMs,
    },
    poll: pollPolicy(feeds),
    fetch: {
      dispatcher: known.dispatcher,
      userAgent: settings.network.userAgent,
      fallbackUserAgent: settings.network.fallbackUserAgent,
      bytesPerSecondMin: BYTES_PER_SECOND_MIN,
      wireBytesMax: feeds.bytesMax,
      bytesMax: feeds.bytesMax,
      totalMs: feeds.timeoutMs,
      idleMs: feeds.timeoutMs,
    },
    itemsMax: feeds.itemsMax,
    reading: { pagesMax: feeds.pagesMax, media: feeds.media },
    view: {
      stalledAfterMs: stall.checkEveryMs * stall.checks,
      staleAfterMs: settings.locks.staleAfterMs,
      failingAfter: feeds.failingAfter,
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
    transcripts: settings.transcripts,
    qualityMin: settings.quality.min,
    languageProbe: transcribe.languageProbe,
    names: names.ok ? names.value : undefined,
  };
}

/** Slower than a modem of 1990: the place is worth more to another feed. */
const BYTES_PER_SECOND_MIN = 500;

type FeedSettings = CoordinatorBootstrap['settings']['feeds'];

function pollPolicy({ pollEveryMs, pollEveryMsMin, pollEveryMsMax, failingAfter }: FeedSettings) {
  return { ...POLL_POLICY, pollEveryMs, pollEveryMsMin, pollEveryMsMax, failingAfter };
}

/** Losses with different agents after which a job is said to kill them: the third settles it. */
const LOSSES_MAX = 3;
