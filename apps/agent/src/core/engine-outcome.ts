import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { EngineFailure } from './engine-failure.ts';
import { failure, returned } from './outcome.ts';

/** The operator has to do something first; the wait keeps the episode's tries from being used up meanwhile. */
export const OPERATOR_WAIT_MS = 60_000;

/** What a job comes to when its engine failed so. Pure. */
export function engineOutcome({
  code,
  message,
  smallerNext,
  retryAfterMs = OPERATOR_WAIT_MS,
}: EngineFailure): ResultOutcome {
  switch (code) {
    case 'cancelled':
      return returned(message);
    case 'audio_unreadable':
    case 'audio_too_large':
      return failure(code, message, { final: true });
    case 'model_missing':
    case 'device_unavailable':
    case 'engine_missing':
    case 'endpoint_refused':
      return failure(code, message, { retryAfterMs: OPERATOR_WAIT_MS });
    case 'out_of_memory':
      // Never the episode's failure: it needs no more memory than any other, and must not be given up for a full GPU.
      return returned(message, code, smallerNext === true ? 0 : OPERATOR_WAIT_MS);
    case 'endpoint_unreachable':
    case 'endpoint_busy':
      // The server's, whichever episode it is.
      return returned(message, code, retryAfterMs);
    case 'bad_request':
    case 'busy':
    case 'device_failed':
    case 'internal':
    case 'engine_died':
    case 'engine_silent':
    case 'engine_babble':
    case 'command_failed':
    case 'command_mute':
    case 'endpoint_failed':
    case 'endpoint_slow':
      return failure(code, message);
  }
}
