export interface EngineFailure {
  readonly code: EngineFailureCode;
  /** The next try on this agent needs less memory: it is worth one at once. */
  readonly smallerNext?: boolean;
  /** One sentence for people. */
  readonly message: string;
}

/**
 * The engine's own codes (apps/agent/engines/engine_error.py), and what its supervisor sees:
 * engine_missing (it cannot be started), engine_died, engine_silent (killed for it), engine_babble (not its protocol).
 */
export const ENGINE_FAILURE_CODES = [
  'bad_request',
  'busy',
  'cancelled',
  'model_missing',
  'device_unavailable',
  'audio_unreadable',
  'out_of_memory',
  'device_failed',
  'internal',
  'engine_missing',
  'engine_died',
  'engine_silent',
  'engine_babble',
] as const;
export type EngineFailureCode = (typeof ENGINE_FAILURE_CODES)[number];
