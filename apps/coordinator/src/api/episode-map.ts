import type { EpisodeMeta } from '@podctl/domain/episode-meta.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import { keptRun } from '@podctl/domain/episode-state.ts';
import { withoutSecrets } from '@podctl/domain/feed/url.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import { wishedModel } from '@podctl/domain/run-wish.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import {
  type Episode,
  StageState as StageStateMessage,
  type StageStatus,
} from '@podctl/proto/podctl/v1/episode.ts';
import { qualityIn } from '../core/quality-counts.ts';
import { type EpisodeRow, isOpenEpisode } from '../core/snapshot.ts';
import { type StageView, type StageWord, stageViews } from '../core/stage-view.ts';
import type { Picture } from '../core/view.ts';
import type { AcceptedFile } from '../shell/fleet.ts';
import { episodeExtras } from './episode-extras-map.ts';
import type { JudgedTranscript } from './judged-transcripts.ts';
import { qualityMessage } from './quality-map.ts';
import { stageMessage } from './stage-map.ts';
import { dateOf } from './time-map.ts';

const words: { readonly [W in StageWord]: StageStateMessage } = {
  not_wanted: StageStateMessage.NOT_WANTED,
  waiting: StageStateMessage.WAITING,
  running: StageStateMessage.RUNNING,
  publishing: StageStateMessage.PUBLISHING,
  done: StageStateMessage.DONE,
  dead: StageStateMessage.DEAD,
  skipped: StageStateMessage.SKIPPED,
  canceled: StageStateMessage.CANCELED,
};

/** Null for none, and for one that this version does not know. */
export function stageStateOf(message: StageStateMessage): StageWord | null {
  const found = Object.entries(words).find(([, one]) => one === message);
  return (found?.[0] ?? null) as StageWord | null;
}

/** What is not in the state and is read when one episode is asked for. */
export interface EpisodeDetail {
  readonly meta: EpisodeMeta | null;
  readonly files: { readonly [S in Stage]: readonly AcceptedFile[] };
  readonly readablePaths: readonly string[];
  /** Epoch seconds; null while its feed lists it. */
  readonly vanishedS: number | null;
  /** Null where it has no transcript. */
  readonly transcript: JudgedTranscript | null;
}

/** An episode as lists show it (`detail` null: no title, URL or files), or with all that is known. */
export function episodeMessage(
  picture: Picture,
  row: EpisodeRow,
  detail: EpisodeDetail | null,
): Episode {
  const { meta = null, vanishedS = null, transcript = null } = detail ?? {};
  return {
    episodeId: row.episode,
    feedId: row.feed,
    title: meta?.title ?? '',
    publishedAt: dateOf(meta?.publishedMs ?? null),
    stages: stageViews(picture, row).map((view) =>
      stageStatus(view, detail?.files[view.stage] ?? []),
    ),
    audioSeconds: row.state.stages.download.done?.manifest.audioSeconds ?? 0,
    url: meta === null ? '' : withoutSecrets(meta.url),
    readablePaths: [...(detail?.readablePaths ?? [])],
    prioritized: isPrioritized(picture, row),
    extras: meta === null ? undefined : episodeExtras(meta),
    vanishedAt: dateOf(vanishedS === null ? null : vanishedS * 1_000),
    qualityRatio: qualityIn(row.state) ?? undefined,
    transcriptQuality: isJudged(transcript) ? qualityMessage(transcript) : undefined,
  };
}

/** Those of older versions, and what people brought themselves, were not. */
function isJudged(transcript: JudgedTranscript | null): transcript is JudgedTranscript {
  return transcript?.details.quality !== undefined;
}

function isPrioritized({ snapshot }: Picture, { feed, episode }: EpisodeRow): boolean {
  const { first } = choicesOf(snapshot.feeds.get(feed)?.record ?? null);
  return first.includes(episode) && isOpenEpisode(snapshot, feed, episode);
}

function stageStatus(view: StageView, files: readonly AcceptedFile[]): StageStatus {
  const { lock } = view.state;
  const holding = lock.state === 'held' || lock.state === 'committed' ? lock : null;
  const notBeforeMs = lock.state === 'free' ? lock.notBeforeMs : 0;
  return {
    stage: stageMessage(view.stage),
    state: words[view.word],
    attempts: lock.failures,
    losses: lock.lostBy.length,
    agentId: holding?.agent ?? '',
    token: BigInt(holding?.token ?? 0),
    progressRatio: view.progress,
    reason: view.reason,
    notBefore: dateOf(notBeforeMs === 0 ? null : notBeforeMs),
    askedModel: wishedModel(view.state, nextRun(view.state)) ?? '',
    audioRemoved: view.state.done?.audio !== undefined,
    purged: view.state.done?.purged === true,
    doneRun: keptRun(view.state)?.run,
    files: files.map(({ path, sizeBytes, sha256 }) => ({
      path,
      sizeBytes: BigInt(sizeBytes),
      sha256,
    })),
  };
}
