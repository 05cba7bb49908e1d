import {
  type PoorEpisode,
  type QualityFigures,
  QualityGroup,
  type QualityRow,
  type TranscriptQuality,
} from '@podctl/proto/podctl/v1/quality.ts';
import { isoTime } from './list-document.ts';

/** The quality of several transcripts, as `--json` prints it. */
export interface QualityFiguresView {
  /** Transcripts with a quality. */
  readonly episodes: number;
  /** 0 to 1, as the others. */
  readonly meanRatio: number;
  readonly worstRatio: number;
  /** Those below what was asked for. */
  readonly poor: number;
}

/** Of a feed, a model or an agent. */
export interface QualityRowView extends QualityFiguresView {
  readonly name: string;
}

/** By what a transcript was judged; null: it could not be measured. docs/quality.md tells each. */
export interface TranscriptQualityView {
  /** 0 to 1; null: nobody speaks in it. */
  readonly qualityRatio: number | null;
  readonly logProbability: number | null;
  readonly loopRatio: number | null;
  readonly wordsPerMinute: number | null;
  readonly coveredRatio: number | null;
  readonly foreignRatio: number | null;
  /** The measure that takes away most; empty where none takes anything. */
  readonly weakest: string;
  /** "kept", "not better" or "failed: CODE"; empty where there was no second pass. */
  readonly secondPass: string;
  readonly firstQualityRatio: number | null;
  readonly secondQualityRatio: number | null;
  readonly droppedSegments: number;
  readonly droppedSeconds: number;
  /** Empty where nothing was dropped. */
  readonly droppedFor: string;
  readonly model: string;
  readonly agentId: string;
  readonly language: string;
  /** Null in transcripts of older versions. */
  readonly finishedAt: string | null;
}

export interface PoorEpisodeView extends TranscriptQualityView {
  readonly episodeId: string;
  readonly feedId: string;
  readonly title: string;
}

const groups: { readonly [word: string]: QualityGroup } = {
  feed: QualityGroup.FEED,
  model: QualityGroup.MODEL,
  agent: QualityGroup.AGENT,
};

/** What can be summed by. */
export const QUALITY_GROUPS: readonly string[] = Object.keys(groups);

export function qualityGroupOf(word: string): QualityGroup {
  return groups[word] ?? QualityGroup.FEED;
}

export function qualityRowView({ name, figures }: QualityRow): QualityRowView {
  return { name, ...figuresView(figures ?? NO_FIGURES) };
}

const NO_FIGURES = { episodes: 0, meanRatio: 0, worstRatio: 0, poor: 0 };

export function figuresView(figures: QualityFigures): QualityFiguresView {
  const { episodes, meanRatio, worstRatio, poor } = figures;
  return { episodes, meanRatio, worstRatio, poor };
}

export function transcriptQualityView(quality: TranscriptQuality): TranscriptQualityView {
  return {
    qualityRatio: quality.qualityRatio ?? null,
    logProbability: quality.logProbability ?? null,
    loopRatio: quality.loopRatio ?? null,
    wordsPerMinute: quality.wordsPerMinute ?? null,
    coveredRatio: quality.coveredRatio ?? null,
    foreignRatio: quality.foreignRatio ?? null,
    weakest: quality.weakest,
    secondPass: quality.secondPass,
    firstQualityRatio: quality.firstQualityRatio ?? null,
    secondQualityRatio: quality.secondQualityRatio ?? null,
    droppedSegments: quality.droppedSegments,
    droppedSeconds: quality.droppedSeconds,
    droppedFor: quality.droppedFor,
    model: quality.model,
    agentId: quality.agentId,
    language: quality.language,
    finishedAt: isoTime(quality.finishedAt),
  };
}

export function poorEpisodeView({ episodeId, feedId, title, quality }: PoorEpisode) {
  const view: PoorEpisodeView = {
    ...{ episodeId, feedId, title },
    ...transcriptQualityView(quality ?? NO_QUALITY),
  };
  return view;
}

const NO_QUALITY: TranscriptQuality = {
  weakest: '',
  secondPass: '',
  droppedSegments: 0,
  droppedSeconds: 0,
  droppedFor: '',
  model: '',
  agentId: '',
  language: '',
};
