import type { EpisodeFilter } from './feed/episode-filter.ts';
import { CHOICE_LIMITS, changedLabels, type FeedChoices, type FeedLabels } from './feed-choices.ts';
import { choicesOf, type FeedRecord } from './feed-record.ts';
import type { EpisodeId } from './ids.ts';
import type { KeepAudio } from './keep-audio.ts';
import { err, ok, type Result } from './result.ts';

/** What somebody wants changed at a feed; what is absent stays. The same change twice is the same as once. */
export interface FeedChange {
  readonly bookScore?: number | undefined;
  readonly paused?: boolean | undefined;
  readonly priority?: number | undefined;
  readonly setLabels?: FeedLabels | undefined;
  readonly removeLabels?: readonly string[] | undefined;
  /** Null goes back to the fleet's. */
  readonly model?: string | null | undefined;
  readonly language?: string | null | undefined;
  /** Which episodes are wanted from now on, all of it; what is wanted already stays so. Null: all. */
  readonly filter?: EpisodeFilter | null | undefined;
  /** Null: none. */
  readonly prompt?: string | null | undefined;
  readonly hotwords?: string | null | undefined;
  /** Episodes that go first from now on, before those that did until now. */
  readonly first?: readonly EpisodeId[] | undefined;
  /** Null goes back to the fleet's. */
  readonly keepAudio?: KeepAudio | null | undefined;
  /** It is polled as soon as possible. */
  readonly pollNow?: true | undefined;
  /** Nobody wants it any more: it is hidden, and what is done stays. */
  readonly remove?: true | undefined;
  /** With `remove`: its files go, too (feed-purge.ts). */
  readonly purge?: true | undefined;
}

export interface ChangedRecord {
  readonly record: FeedRecord;
  /** Names of what is another now; empty when nothing is. */
  readonly fields: readonly string[];
}

/**
 * The record after a change. `isOpen`: whether an episode still has work left; one that has none need not go first.
 * Errors are one sentence.
 */
export function changeFeed(
  record: FeedRecord,
  change: FeedChange,
  isOpen: (episode: EpisodeId) => boolean,
): Result<ChangedRecord, string> {
  const before = choicesOf(record);
  const after = changedChoices(before, change, isOpen);
  if (!after.ok) return after;
  // Another filter is another question to the same document: it is read again, whatever its ETag says.
  const anew = same(before.filter, after.value.filter) ? {} : READ_ANEW;
  const next: FeedRecord = {
    ...record,
    bookScore: change.bookScore ?? record.bookScore,
    nextPollMs: change.pollNow ? 0 : record.nextPollMs,
    removed: change.remove ?? record.removed ?? false,
    choices: after.value,
    ...anew,
  };
  const fields = [
    ...(next.bookScore === record.bookScore ? [] : ['bookScore']),
    ...choiceNames.filter((name) => !same(before[name], after.value[name])),
    ...(next.nextPollMs === record.nextPollMs ? [] : ['nextPoll']),
    ...(next.removed === (record.removed ?? false) ? [] : ['removed']),
  ];
  return ok({ record: fields.length === 0 ? record : next, fields });
}

const READ_ANEW = { nextPollMs: 0, etag: null, lastModified: null };

const choiceNames = [
  'paused',
  'priority',
  'labels',
  'model',
  'language',
  'first',
  'filter',
  'prompt',
  'hotwords',
  'keepAudio',
] as const;

function changedChoices(
  before: FeedChoices,
  change: FeedChange,
  isOpen: (episode: EpisodeId) => boolean,
): Result<FeedChoices, string> {
  const labels = changedLabels(before.labels, change.setLabels ?? {}, change.removeLabels ?? []);
  if (!labels.ok) return labels;
  const first = changedFirst(before.first, change.first, isOpen);
  if (first.length > CHOICE_LIMITS.firstMax)
    return err(
      `${first.length} of its episodes would go first: ${CHOICE_LIMITS.firstMax} may; wait until some are done`,
    );
  return ok({
    paused: change.paused ?? before.paused,
    priority: change.priority ?? before.priority,
    labels: labels.value,
    model: change.model === undefined ? before.model : change.model,
    language: change.language === undefined ? before.language : change.language,
    first,
    ...given({
      filter: changed(before.filter, change.filter),
      prompt: changed(before.prompt, change.prompt),
      hotwords: changed(before.hotwords, change.hotwords),
    }),
    keepAudio: change.keepAudio === undefined ? before.keepAudio : (change.keepAudio ?? undefined),
  });
}

/** Null takes it away; absent leaves it. */
function changed<T>(before: T | undefined, change: T | null | undefined): T | undefined {
  return change === undefined ? before : (change ?? undefined);
}

/** What is there: a record without a choice is as one of before there was that choice. */
function given<T extends object>(fields: T): Partial<T> {
  const there = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(there) as Partial<T>;
}

function changedFirst(
  before: readonly EpisodeId[],
  wanted: readonly EpisodeId[] | undefined,
  isOpen: (episode: EpisodeId) => boolean,
): readonly EpisodeId[] {
  if (wanted === undefined) return before;
  return [...new Set([...wanted, ...before])].filter(isOpen);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
