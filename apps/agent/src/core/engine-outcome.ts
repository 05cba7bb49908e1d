import type { ResultOutcome } from '@podctl/domain/protocol.ts';
import type { EngineFailure } from './engine-failure.ts';
import { failure, returned } from './outcome.ts';

/** The operator has to do something first; the wait keeps the episode's tries from being used up meanwhile. */
export const OPERATOR_WAIT_MS = 60_000;

/** What a job comes to when its engine failed so. Pure. */
export function engineOutcome({ code, message, smallerNext }: EngineFailure): ResultOutcome {
  switch (code) {
    case 'cancelled':
      return returned(message);
    case 'audio_unreadable':
      return failure(code, message, { final: true });
    case 'model_missing':
    case 'device_unavailable':
    case 'engine_missing':
      return failure(code, message, { retryAfterMs: OPERATOR_WAIT_MS });
    case 'out_of_memory':
      // Never the episode's failure: it needs no more memory than any other, and must not be given up for a full GPU.
      return returned(message, code, smallerNext === true ? 0 : OPERATOR_WAIT_MS);
    case 'bad_request':
    case 'busy':
    case 'device_failed':
    case 'internal':
    case 'engine_died':
    case 'engine_silent':
    case 'engine_babble':
      return failure(code, message);
  }
}
