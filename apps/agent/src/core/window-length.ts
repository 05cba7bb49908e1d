const CPU_SECONDS = 120;
const CHUNK_SECONDS = 30;
const SECONDS_MAX = 900;

/**
 * In windows of how much long audio is worked on: a loss costs the work on one of them. A CPU hears a chunk in each
 * lane, whatever the batch (ADR 0028); a GPU wants its batch full, and is done with such a window in seconds.
 */
export function windowSecondsOf(device: string, batchSize: number): number {
  if (device === 'cpu') return CPU_SECONDS;
  return Math.min(SECONDS_MAX, Math.max(CPU_SECONDS, CHUNK_SECONDS * batchSize));
}
