export interface EngineFailure {
  readonly code: EngineFailureCode;
  /** The next try on this agent needs less memory: it is worth one at once. */
  readonly smallerNext?: boolean;
  /** Nothing is to be tried sooner; where the code says that somebody has to wait. */
  readonly retryAfterMs?: number;
  /** One sentence for people. */
  readonly message: string;
}

/**
 * The engine's own codes (apps/agent/engines/engine_error.py), and what its supervisor sees:
 * engine_missing (it cannot be started), engine_died, engine_silent (killed for it), engine_babble (not its protocol).
 * Of a program that is run for each episode: command_failed (its exit code), command_mute (it ended well and wrote no transcript).
 * Of a server: endpoint_unreachable (no connection), endpoint_refused (it will not take any request of ours), endpoint_busy (it asks
 * for patience), endpoint_failed (its own error, or a connection that broke), endpoint_slow (no answer in time), audio_too_large.
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
  'command_failed',
  'command_mute',
  'endpoint_unreachable',
  'endpoint_refused',
  'endpoint_busy',
  'endpoint_failed',
  'endpoint_slow',
  'audio_too_large',
] as const;
export type EngineFailureCode = (typeof ENGINE_FAILURE_CODES)[number];
