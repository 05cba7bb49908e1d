import { TranscriptFormat, type TranscriptVersion } from '@podctl/proto/podctl/v1/transcript.ts';
import { type FileView, fileView } from './episode-map.ts';
import { isoTime } from './list-document.ts';

const formats = {
  txt: TranscriptFormat.TXT,
  srt: TranscriptFormat.SRT,
  vtt: TranscriptFormat.VTT,
  json: TranscriptFormat.JSON,
  md: TranscriptFormat.MD,
} as const;

export const FORMAT_WORDS = ['txt', 'srt', 'vtt', 'json', 'md'] as const;
export type FormatWord = (typeof FORMAT_WORDS)[number];

export function transcriptFormat(word: FormatWord): TranscriptFormat {
  return formats[word];
}

/** The accepted result of one run, as `--json` prints it. */
export interface TranscriptVersionView {
  readonly run: number;
  /** Fencing token under which it was made. */
  readonly token: string;
  /** It is read where nobody asks for another. */
  readonly current: boolean;
  readonly finishedAt: string | null;
  readonly agentId: string;
  /** Empty where it does not say, as one that was adopted. */
  readonly engine: string;
  readonly model: string;
  readonly modelRevision: string;
  readonly language: string;
  readonly segments: number;
  /** 0 to 1; null where it does not say. */
  readonly quality: number | null;
  readonly audioSeconds: number;
  readonly files: readonly FileView[];
}

export function transcriptVersionView(version: TranscriptVersion): TranscriptVersionView {
  return {
    run: version.run,
    token: String(version.token),
    current: version.current,
    finishedAt: isoTime(version.finishedAt),
    agentId: version.agentId,
    engine: version.engine,
    model: version.model,
    modelRevision: version.modelRevision,
    language: version.language,
    segments: version.segments,
    quality: version.quality ?? null,
    audioSeconds: version.audioSeconds,
    files: version.files.map(fileView),
  };
}
