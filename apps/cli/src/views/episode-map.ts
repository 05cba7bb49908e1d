import {
  type ArtifactFile,
  type Episode,
  Stage,
  StageState,
  type StageStatus,
} from '@podctl/proto/podctl/v1/episode.ts';
import { type EpisodeExtrasView, episodeExtrasView } from './episode-extras-map.ts';
import { isoTime } from './list-document.ts';
import { type TranscriptQualityView, transcriptQualityView } from './quality-map.ts';

/** The stages by the words that people give them, in their order. */
const stages = {
  download: Stage.DOWNLOAD,
  transcribe: Stage.TRANSCRIBE,
  score: Stage.SCORE,
} as const;

export type StageName = keyof typeof stages;
export type StageWord = StageName | 'unknown';

export const STAGE_NAMES = Object.keys(stages) as readonly StageName[];
export type StageStateWord =
  | 'not-wanted'
  | 'waiting'
  | 'running'
  | 'publishing'
  | 'done'
  | 'dead'
  | 'skipped'
  | 'canceled'
  | 'unknown';

/** One stage of an episode, as `--json` prints it. */
export interface StageView {
  readonly stage: StageWord;
  readonly state: StageStateWord;
  readonly attempts: number;
  readonly losses: number;
  readonly agentId: string;
  /** Fencing token of the held lock; empty when none is held. */
  readonly token: string;
  readonly progressRatio: number;
  /** One sentence; empty when it did not fail. */
  readonly reason: string;
  readonly notBefore: string | null;
  readonly files: readonly FileView[];
  /** Its audio was taken away on purpose (library.keepAudio). */
  readonly audioRemoved: boolean;
  /** The model that was asked for with the run that is to be done; empty: it is done as every other. */
  readonly askedModel: string;
  /** Its files went with its feed: a newer run is wanted in their place. */
  readonly purged: boolean;
  /** The run whose result is kept, whatever is wanted beside it; null: none is, or an older coordinator does not tell. */
  readonly doneRun: number | null;
}

export interface FileView {
  /** Path in the library. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** An episode, as `--json` prints it; url and readablePaths are filled by `episode show` only. */
export interface EpisodeView {
  readonly episodeId: string;
  readonly feedId: string;
  readonly title: string;
  readonly publishedAt: string | null;
  readonly audioSeconds: number;
  readonly stages: readonly StageView[];
  readonly url: string;
  readonly readablePaths: readonly string[];
  /** It goes before other episodes. */
  readonly prioritized: boolean;
  /** What the feed says of it beside; null in lists, and where it says nothing. */
  readonly extras: EpisodeExtrasView | null;
  /** Since when its feed lists it no more; null in lists, and while the feed does. */
  readonly vanishedAt: string | null;
  /** How far its transcript is to be trusted, 0 to 1; null where that is not known, or nobody speaks in it. */
  readonly qualityRatio: number | null;
  /** By what it was judged; null in lists, and where it was not. */
  readonly transcriptQuality: TranscriptQualityView | null;
}

const stateWords: { readonly [state: number]: StageStateWord } = {
  [StageState.NOT_WANTED]: 'not-wanted',
  [StageState.WAITING]: 'waiting',
  [StageState.RUNNING]: 'running',
  [StageState.PUBLISHING]: 'publishing',
  [StageState.DONE]: 'done',
  [StageState.DEAD]: 'dead',
  [StageState.SKIPPED]: 'skipped',
  [StageState.CANCELED]: 'canceled',
};

/** The states that can be asked for. */
export const STAGE_STATES: readonly string[] = Object.values(stateWords);

export function stageStateOf(word: string): StageState {
  const found = Object.entries(stateWords).find(([, one]) => one === word);
  return found === undefined ? StageState.UNSPECIFIED : (Number(found[0]) as StageState);
}

export function stageOf(word: string | undefined): Stage {
  const name = STAGE_NAMES.find((one) => one === word);
  return name === undefined ? Stage.UNSPECIFIED : stages[name];
}

export function stageWord(stage: Stage): StageWord {
  return STAGE_NAMES.find((name) => stages[name] === stage) ?? 'unknown';
}

export function episodeView(episode: Episode): EpisodeView {
  return {
    episodeId: episode.episodeId,
    feedId: episode.feedId,
    title: episode.title,
    publishedAt: isoTime(episode.publishedAt),
    audioSeconds: episode.audioSeconds,
    stages: episode.stages.map(stageView),
    url: episode.url,
    readablePaths: episode.readablePaths,
    prioritized: episode.prioritized,
    extras: episodeExtrasView(episode.extras),
    vanishedAt: isoTime(episode.vanishedAt),
    qualityRatio: episode.qualityRatio ?? null,
    transcriptQuality:
      episode.transcriptQuality === undefined
        ? null
        : transcriptQualityView(episode.transcriptQuality),
  };
}

function stageView(status: StageStatus): StageView {
  return {
    stage: stageWord(status.stage),
    state: stateWords[status.state] ?? 'unknown',
    attempts: status.attempts,
    losses: status.losses,
    agentId: status.agentId,
    token: status.token === 0n ? '' : String(status.token),
    progressRatio: status.progressRatio,
    reason: status.reason,
    notBefore: isoTime(status.notBefore),
    audioRemoved: status.audioRemoved,
    purged: status.purged === true,
    doneRun: status.doneRun ?? null,
    askedModel: status.askedModel,
    files: status.files.map(fileView),
  };
}

export function fileView({ path, sizeBytes, sha256 }: ArtifactFile): FileView {
  return { path, sizeBytes: Number(sizeBytes), sha256 };
}
