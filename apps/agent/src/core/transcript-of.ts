import type { AgentId } from '@podctl/domain/ids.ts';
import type { Work } from '@podctl/domain/protocol.ts';
import type {
  Provenance,
  Transcript,
  TranscriptSegment,
} from '@podctl/domain/transcript/transcript.ts';
import { type EngineCapabilities, WHISPER_CAPABILITIES } from './engine-capabilities.ts';
import type { LoadedModel, RawSegment, RawTranscript } from './raw-transcript.ts';

export type TranscribeWork = Extract<Work, { kind: 'transcribe' }>;

/** ISO 639: undetermined. */
const NO_LANGUAGE = 'und';
const SHORT_SECONDS = 5;
const SHORT_SHARE = 0.05;

/** Who made it, and when: epoch milliseconds. */
export interface MadeBy {
  readonly agent: AgentId;
  readonly startedAtMs: number;
  readonly finishedAtMs: number;
}

/** What the engine heard, as it is kept. Pure. `parameters`: what is to be told beside what was asked for. */
export function transcriptOf(
  work: TranscribeWork,
  loaded: LoadedModel,
  raw: RawTranscript,
  by: MadeBy,
  can: EngineCapabilities = WHISPER_CAPABILITIES,
  parameters: Provenance['parameters'] = {},
): Transcript {
  const { engine, engineVersion, model, revision, computeType, device } = loaded;
  return {
    language: raw.language ?? work.language ?? NO_LANGUAGE,
    languageProbability: work.language === null || !can.language ? raw.languageProbability : null,
    durationSeconds: raw.durationSeconds,
    segments: raw.segments.map(segmentOf),
    provenance: {
      engine,
      engineVersion,
      model,
      modelRevision: revision,
      computeType,
      device,
      parameters: { ...raw.parameters, ...parametersOf(work, can), ...parameters },
      audioSha256: work.audioSha256,
      ...by,
      ...partsOf(raw.parts),
    },
  };
}

function partsOf(parts: RawTranscript['parts'] = []): Pick<Transcript['provenance'], 'parts'> {
  if (parts.length < 2) return {};
  return {
    parts: parts.map(({ agent, device, computeType, fromSeconds, toSeconds }) => ({
      ...{ agent, device, computeType, fromSeconds, toSeconds },
    })),
  };
}

/** Far less than was measured when it was downloaded. Decoders and containers differ by a little. */
export function isShort(heardSeconds: number, audioSeconds: number | null): boolean {
  const missingSeconds = (audioSeconds ?? 0) - heardSeconds;
  return missingSeconds > SHORT_SECONDS && missingSeconds > SHORT_SHARE * (audioSeconds ?? 0);
}

/**
 * What was asked for: in the engine's own words the model may have another name, and the texts are left out. What is beyond the
 * engine was not done.
 */
function parametersOf({ language, prompt, hotwords }: TranscribeWork, can: EngineCapabilities) {
  return {
    language: can.language ? language : null,
    ...(prompt === undefined || !can.prompt ? {} : { prompt }),
    ...(hotwords === undefined || !can.hotwords ? {} : { hotwords }),
  };
}

export function segmentOf(raw: RawSegment): TranscriptSegment {
  return {
    startSeconds: raw.start,
    endSeconds: raw.end,
    text: raw.text,
    avgLogprob: raw.avgLogprob,
    noSpeechProbability: raw.noSpeechProb,
    words: raw.words.map((word) => ({
      startSeconds: word.start,
      endSeconds: word.end,
      text: word.word,
      probability: word.probability,
    })),
  };
}
