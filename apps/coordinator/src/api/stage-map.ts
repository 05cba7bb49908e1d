import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { Stage as StageMessage } from '@podctl/proto/podctl/v1/episode.ts';

const messages: { readonly [S in Stage]: StageMessage } = {
  download: StageMessage.DOWNLOAD,
  transcribe: StageMessage.TRANSCRIBE,
  score: StageMessage.SCORE,
};

/** Null stands for no stage. */
export function stageMessage(stage: Stage | null): StageMessage {
  return stage === null ? StageMessage.UNSPECIFIED : messages[stage];
}

/** Null for none, and for one that this version does not know. */
export function stageOf(message: StageMessage): Stage | null {
  return STAGES.find((stage) => messages[stage] === message) ?? null;
}
