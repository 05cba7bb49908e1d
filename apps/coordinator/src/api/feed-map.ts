import type { FeedProblemKind } from '@podctl/domain/feed/feed-problem.ts';
import { isGone } from '@podctl/domain/feed/polling.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import { keepAudioText } from '@podctl/domain/keep-audio.ts';
import type { AddedFeed } from '@podctl/domain/order.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import {
  AddedFeed_Outcome,
  type AddedFeed as AddedFeedMessage,
  type Feed,
  type FeedDetail,
  FeedProblemKind as FeedProblemKindMessage,
  type FeedReading,
  FeedState as FeedStateMessage,
} from '@podctl/proto/podctl/v1/feed.ts';
import { completenessOf } from '../core/completeness.ts';
import type { FeedRow } from '../core/snapshot.ts';
import { type FeedState, type FeedView, feedView, type Picture } from '../core/view.ts';
import { bookScoreMessage } from './book-map.ts';
import { pollMessage } from './poll-map.ts';
import { figuresMessage } from './quality-map.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';
import { wantedMessage } from './wanted-map.ts';

const states: { readonly [S in FeedState]: FeedStateMessage } = {
  new: FeedStateMessage.NEW,
  active: FeedStateMessage.ACTIVE,
  done: FeedStateMessage.DONE,
  stalled: FeedStateMessage.STALLED,
  failing: FeedStateMessage.FAILING,
  paused: FeedStateMessage.PAUSED,
  gone: FeedStateMessage.GONE,
};

const outcomes: { readonly [K in AddedFeed['kind']]: AddedFeed_Outcome } = {
  added: AddedFeed_Outcome.ADDED,
  known: AddedFeed_Outcome.KNOWN,
  moved: AddedFeed_Outcome.MOVED,
  restored: AddedFeed_Outcome.RESTORED,
  refused: AddedFeed_Outcome.REFUSED,
};

const problemKinds: { readonly [K in FeedProblemKind]: FeedProblemKindMessage } = {
  lost: FeedProblemKindMessage.LOST,
  left_out: FeedProblemKindMessage.LEFT_OUT,
  repaired: FeedProblemKindMessage.REPAIRED,
};

export function feedMessage(view: FeedView): Feed {
  const { tally, choices } = view;
  const url = view.url === '' ? '' : withoutSecrets(view.url);
  return {
    feedId: view.id,
    url,
    title: view.title,
    state: states[view.state],
    episodes: tally.episodes,
    downloaded: tally.done.download,
    transcribed: tally.done.transcribe,
    dead: tally.dead,
    downloadWorkers: tally.running.download,
    transcribeWorkers: tally.running.transcribe,
    bookScore: view.books.score,
    bookScoreKnown: view.books.source !== 'default',
    stalledSince: dateOf(view.stalledSinceMs),
    lastSuccessAt: dateOf(view.lastSuccessMs),
    problem: view.problem,
    audioSecondsTranscribed: tally.audioSecondsTranscribed,
    retrying: tally.retrying,
    audioSecondsLeft: view.forecast.audioSecondsLeft ?? undefined,
    speedRatio: view.forecast.speedRatio ?? undefined,
    etaSeconds: view.forecast.etaSeconds ?? undefined,
    choices: {
      priority: choices.priority,
      labels: choices.labels,
      model: choices.model ?? '',
      language: choices.language ?? '',
      wanted: wantedMessage(choices.filter),
      prompt: choices.prompt ?? '',
      hotwords: choices.hotwords ?? '',
      keepAudio: choices.keepAudio === undefined ? '' : keepAudioText(choices.keepAudio),
    },
    urlIsPrivate: url !== view.url,
    skipped: tally.skipped,
    paused: choices.paused,
  };
}

export function feedDetailMessage(picture: Picture, row: FeedRow): FeedDetail {
  const view = feedView(picture, row);
  const { record } = row;
  const { tally } = view;
  const { first } = view.choices;
  const nextPollMs = record?.nextPollMs ?? 0;
  return {
    feed: feedMessage(view),
    addedAt: dateOf(record?.addedMs ?? null),
    nextPollAt: dateOf(nextPollMs === 0 || isGone(record?.polling) ? null : nextPollMs),
    failedPolls: record?.failures ?? 0,
    listed: record?.listed ?? 0,
    stages: STAGES.map((stage) => ({
      stage: stageMessage(stage),
      waiting: Math.max(0, tally.remaining[stage] - tally.running[stage]),
      running: tally.running[stage],
      done: tally.done[stage],
      dead: tally.deadJobs[stage],
    })),
    prioritized: [...first],
    reading: readingMessage(record),
    ledger: record?.ledger === undefined ? undefined : completenessOf(row).ledger,
    quality: figuresMessage(row.quality),
    ...pollMessage(record),
    books: bookScoreMessage(view.books),
  };
}

function readingMessage(record: FeedRecord | null): FeedReading | undefined {
  const reading = record?.reading;
  if (reading === undefined) return undefined;
  const { atMs, items, pages } = reading;
  const problems = reading.problems.map(({ kind, message, count, place }) => ({
    kind: problemKinds[kind],
    message,
    count,
    place: place ?? '',
  }));
  return { readAt: dateOf(atMs), items, pages, problems };
}

/** Null for none, and for one that this version does not know. */
export function feedStateOf(message: FeedStateMessage): FeedState | null {
  const found = Object.entries(states).find(([, one]) => one === message);
  return (found?.[0] ?? null) as FeedState | null;
}

export function addedFeedMessage(added: AddedFeed): AddedFeedMessage {
  return {
    feedId: added.kind === 'refused' ? '' : added.feed,
    url: withoutSecrets(added.url),
    outcome: outcomes[added.kind],
    problem: added.kind === 'refused' ? added.problem : '',
    purged: added.kind !== 'refused' && added.purged === true,
  };
}
