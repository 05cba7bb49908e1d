import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { AddedFeed } from '@podctl/domain/order.ts';
import {
  AddedFeed_Outcome,
  type AddedFeed as AddedFeedMessage,
  type Feed,
  FeedState as FeedStateMessage,
} from '@podctl/proto/podctl/v1/feed.ts';
import type { FeedState, FeedView } from '../core/view.ts';
import { dateOf } from './time-map.ts';

const states: { readonly [S in FeedState]: FeedStateMessage } = {
  new: FeedStateMessage.NEW,
  active: FeedStateMessage.ACTIVE,
  done: FeedStateMessage.DONE,
  stalled: FeedStateMessage.STALLED,
  failing: FeedStateMessage.FAILING,
};

const outcomes: { readonly [K in AddedFeed['kind']]: AddedFeed_Outcome } = {
  added: AddedFeed_Outcome.ADDED,
  known: AddedFeed_Outcome.KNOWN,
  moved: AddedFeed_Outcome.MOVED,
  refused: AddedFeed_Outcome.REFUSED,
};

export function feedMessage(view: FeedView): Feed {
  const { tally } = view;
  return {
    feedId: view.id,
    url: view.url === '' ? '' : withoutSecrets(view.url),
    title: view.title,
    state: states[view.state],
    episodes: tally.episodes,
    downloaded: tally.done.download,
    transcribed: tally.done.transcribe,
    dead: tally.dead,
    downloadWorkers: tally.running.download,
    transcribeWorkers: tally.running.transcribe,
    bookScore: view.bookScore,
    bookScoreKnown: view.bookScoreKnown,
    stalledSince: dateOf(view.stalledSinceMs),
    lastSuccessAt: dateOf(view.lastSuccessMs),
    problem: view.problem,
    audioSecondsTranscribed: tally.audioSecondsTranscribed,
    retrying: tally.retrying,
    audioSecondsLeft: view.forecast.audioSecondsLeft ?? undefined,
    speedRatio: view.forecast.speedRatio ?? undefined,
    etaSeconds: view.forecast.etaSeconds ?? undefined,
  };
}

export function addedFeedMessage(added: AddedFeed): AddedFeedMessage {
  return {
    feedId: added.kind === 'refused' ? '' : added.feed,
    url: withoutSecrets(added.url),
    outcome: outcomes[added.kind],
    problem: added.kind === 'refused' ? added.problem : '',
  };
}
