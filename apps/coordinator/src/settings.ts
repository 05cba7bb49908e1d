import type { PollPolicy } from '@podctl/domain/feed/poll.ts';
import type { HostRules } from '@podctl/domain/host-state.ts';
import type { KeepAudio } from '@podctl/domain/keep-audio.ts';
import type { NameTemplate } from '@podctl/domain/name-template.ts';
import type { LanguageProbeWork } from '@podctl/domain/protocol.ts';
import type { RetryLimits } from '@podctl/domain/retry.ts';
import type { TermRules } from '@podctl/domain/term.ts';
import type { PlanLimits } from './core/plan.ts';
import type { TranscriptPolicy } from './core/publisher-work.ts';
import type { ViewLimits } from './core/view.ts';
import type { FeedFetchOptions } from './shell/feed-fetch.ts';
import type { ReadingChoices } from './shell/paged-feed.ts';

/** Everything that a coordinator is told, resolved once. */
export interface CoordinatorSettings {
  readonly coordinator: string;
  readonly version: string;
  /** Where others reach it; known once it listens. */
  address(): string;
  /** Where it shows `/metrics`; empty where it does not. */
  metricsAddress?(): string;
  /** A lock on the data folder proves that no other coordinator lives. */
  readonly proveAlone: boolean;
  readonly libraryId: string;
  readonly term: TermRules;
  readonly plan: PlanLimits;
  /** Absent: hosts are asked for as much as there is; those that ask for patience have it all the same. */
  readonly hosts?: HostRules;
  readonly retry: RetryLimits;
  readonly poll: PollPolicy;
  readonly fetch: FeedFetchOptions;
  /** Episodes of one feed that are read. */
  readonly itemsMax: number;
  /** How feeds are read; `READING` unless told. */
  readonly reading?: ReadingChoices;
  readonly view: ViewLimits;
  /** Whether stale locks are revoked, or only shown. */
  readonly revokeStale: boolean;
  readonly heartbeatMs: number;
  readonly lostAfterMs: number;
  readonly sweepEveryMs: number;
  readonly sweepOlderThanMs: number;
  /** Which audio stays; absent: all of it. */
  readonly keepAudio?: KeepAudio;
  /** Bytes a second of all downloads of the fleet; absent: no limit. */
  readonly downloadBandwidthMax?: number | null;
  readonly model: string;
  readonly language: string | null;
  /** Absent: those that feeds offer are neither kept nor preferred. */
  readonly transcripts?: TranscriptPolicy;
  /** A transcript of less quality is made once more; absent or 0: none is. */
  readonly qualityMin?: number;
  /** How a language is found out that is not given; absent: as engines do by themselves. */
  readonly languageProbe?: LanguageProbeWork;
  /** Of the readable names; absent: as they are by default. */
  readonly names?: NameTemplate | undefined;
}
