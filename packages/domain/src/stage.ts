/** The stages of an episode. A new stage is a row here plus a worker in the agent. */
export const STAGES = ['download', 'transcribe'] as const;
export type Stage = (typeof STAGES)[number];

/** The stage whose accepted result this one works on; null when it needs none. */
export const STAGE_INPUT: { readonly [S in Stage]: Stage | null } = {
  download: null,
  transcribe: 'download',
};

export function isStage(text: string): text is Stage {
  return (STAGES as readonly string[]).includes(text);
}
