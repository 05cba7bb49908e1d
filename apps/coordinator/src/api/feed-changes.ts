import type { FeedChange } from '@podctl/domain/feed-change.ts';
import { labelProblem } from '@podctl/domain/feed-choices.ts';
import type { FeedPurge } from '@podctl/domain/feed-purge.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { parseKeepAudio } from '@podctl/domain/keep-audio.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import {
  FeedPurge_State,
  type FeedPurge as FeedPurgeMessage,
  type GetFeedRequest,
  type GetFeedResponse,
  type RefreshFeedRequest,
  type RefreshFeedResponse,
  type RemoveFeedRequest,
  type RemoveFeedResponse,
  type UpdateFeedRequest,
  type UpdateFeedResponse,
} from '@podctl/proto/podctl/v1/feed.ts';
import type { FeedRow, Snapshot } from '../core/snapshot.ts';
import { sizeOfFeed } from '../shell/feed-size.ts';
import type { Fleet } from '../shell/fleet.ts';
import { type ChoiceProblem, choiceProblem } from './feed-choices-check.ts';
import { findFeed } from './feed-finder.ts';
import { feedDetailMessage } from './feed-map.ts';
import type { Failure } from './status.ts';
import { dateOf } from './time-map.ts';
import { filterOf, wordsProblem } from './wanted-map.ts';

export async function getFeed(
  fleet: Fleet,
  { feedId, forRemoval }: GetFeedRequest,
): Promise<Result<GetFeedResponse, Failure>> {
  const picture = fleet.picture();
  const found = forRemoval
    ? findFeedOrRemoved(picture.snapshot, feedId)
    : findFeed(picture.snapshot, feedId);
  if (!found.ok) return found;
  const feed = feedDetailMessage(picture, found.value);
  if (!forRemoval) return ok({ feed });
  const { purge } = found.value.record ?? {};
  const isKnown = purge?.cluster === picture.snapshot.cluster ? purge : undefined;
  return ok({ feed, purge: purgeMessage(isKnown ?? (await sizeOfFeed(found.value))) });
}

export async function updateFeed(
  fleet: Fleet,
  request: UpdateFeedRequest,
): Promise<Result<UpdateFeedResponse, Failure>> {
  const problem =
    choiceProblem({ ...request, labels: request.setLabels }) ??
    wordsProblem(request) ??
    removalProblem(request.removeLabels);
  if (problem !== null)
    return err({ kind: 'invalid', field: problem.field, message: problem.problem });
  const filter = request.wanted === undefined ? ok(undefined) : filterOf(request.wanted);
  if (!filter.ok)
    return err({ kind: 'invalid', field: filter.error.field, message: filter.error.problem });
  const found = findFeed(fleet.picture().snapshot, request.feedId);
  if (!found.ok) return found;
  const { bookScore, paused, priority, model, language, setLabels, removeLabels } = request;
  const change = {
    ...{ bookScore, paused, priority, setLabels },
    removeLabels,
    model: model === '' ? null : model,
    language: language === '' ? null : language,
    filter: filter.value,
    prompt: request.prompt === '' ? null : request.prompt,
    hotwords: request.hotwords === '' ? null : request.hotwords,
    ...keepAudioChange(request.keepAudio),
  };
  const changed = await ordered(fleet, found.value.id, change, request.validateOnly);
  if (!changed.ok) return changed;
  return ok({ changed: [...changed.value.fields], revision: BigInt(changed.value.revision) });
}

/** Checked before. Empty is the fleet's. */
function keepAudioChange(text: string | undefined) {
  return text === undefined ? {} : { keepAudio: parseKeepAudio(text) };
}

/** More than a feed can have. */
const REMOVED_LABELS_MAX = 100;

function removalProblem(keys: readonly string[]): ChoiceProblem | null {
  const field = 'remove_labels';
  if (keys.length > REMOVED_LABELS_MAX)
    return {
      field,
      problem: `${keys.length} labels are to be removed: give ${REMOVED_LABELS_MAX} at most`,
    };
  const problem = keys.map((key) => labelProblem(key, '')).find((found) => found !== null);
  return problem === undefined ? null : { field, problem };
}

export async function removeFeed(
  fleet: Fleet,
  { feedId, purge }: RemoveFeedRequest,
): Promise<Result<RemoveFeedResponse, Failure>> {
  const found = findFeedOrRemoved(fleet.picture().snapshot, feedId);
  if (!found.ok) return found;
  const { id, tally } = found.value;
  const running = tally.running.download + tally.running.transcribe;
  const change = { remove: true, ...(purge ? { purge } : {}) } as const;
  const changed = await ordered(fleet, id, change);
  if (!changed.ok) return changed;
  const of = { jobsTakenBack: running, revision: BigInt(changed.value.revision) };
  const begun = purge ? changed.value.purge : undefined;
  return ok(begun === undefined ? of : { ...of, purge: purgeMessage(begun) });
}

/** Whoever lost the first answer asks twice: asked again it is answered again. */
function findFeedOrRemoved(snapshot: Snapshot, feedId: string): Result<FeedRow, Failure> {
  const removed = snapshot.feeds.get(feedId as FeedId);
  return removed?.record?.removed === true ? ok(removed) : findFeed(snapshot, feedId);
}

function purgeMessage({
  results,
  files,
  bytes,
  ...of
}: Pick<FeedPurge, 'results' | 'files' | 'bytes'> & Partial<FeedPurge>): FeedPurgeMessage {
  const size = { results: BigInt(results), files: BigInt(files), bytes: BigInt(bytes) };
  if (of.state === undefined) return size;
  return { ...size, state: PURGE_STATES[of.state], since: dateOf(of.sinceMs ?? null) };
}

const PURGE_STATES = { wanted: FeedPurge_State.WANTED, done: FeedPurge_State.DONE } as const;

export async function refreshFeed(
  fleet: Fleet,
  { feedId }: RefreshFeedRequest,
): Promise<Result<RefreshFeedResponse, Failure>> {
  const found = findFeed(fleet.picture().snapshot, feedId);
  if (!found.ok) return found;
  const changed = await ordered(fleet, found.value.id, { pollNow: true });
  return changed.ok ? ok({ revision: BigInt(changed.value.revision) }) : changed;
}

/** Has a feed changed by the leader. */
export async function ordered(fleet: Fleet, feed: FeedId, change: FeedChange, dryRun = false) {
  const changed = await fleet.orders.changeFeed(feed, change, dryRun);
  switch (changed.kind) {
    case 'changed':
      return ok(changed);
    case 'unknown':
      return err<Failure>({
        kind: 'not_found',
        reason: 'FEED_NOT_FOUND',
        message: `feed ${feed} was removed`,
        hint: 'add it again with "podctl feed add"',
      });
    case 'refused':
      return err<Failure>({ kind: 'precondition', message: changed.problem });
  }
}
