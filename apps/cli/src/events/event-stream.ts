import { setTimeout as delay } from 'node:timers/promises';
import type { EventFilter } from '@podctl/proto/podctl/v1/event.ts';
import type { CoordinatorClient } from '../client.ts';
import { type CommandError, commandErrorFrom } from '../command-error.ts';
import { isStreamBreak } from '../stream-break.ts';
import { type StoredEventView, storedEventView } from '../views/event-map.ts';

/** What is meant, and how many of those that are known come first; 0 with `since`: all of them. */
export interface EventsWanted {
  readonly filter: EventFilter;
  readonly newest: number;
}

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;
/** The coordinator says something each 10 s, and again after 5: a stream silent for longer is dead. */
const STREAM_SILENCE_MS_MAX = 25_000;
/** Nobody answered for so long: it is over. */
const SILENCE_MS_MAX = 60_000;

/**
 * Hands on events until the signal, each once: a stream that breaks off is gone on with where it ended, at another
 * coordinator if there is one. Rejects with CommandError when nobody answers for a minute, or refuses for good.
 */
export async function followEvents(
  client: CoordinatorClient,
  { filter, newest }: EventsWanted,
  take: (events: readonly StoredEventView[]) => void,
  signal: AbortSignal,
): Promise<void> {
  let resumeToken = '';
  let retryMs = RETRY_MS_MIN;
  let heardAtMs = Date.now();
  while (!signal.aborted) {
    const failure = await oneStream(signal, async (until, heard) => {
      const first = resumeToken === '' ? newest : 0;
      const request = { filter, resumeToken, newest: first };
      for await (const answer of client.followEvents(request, until)) {
        heard();
        heardAtMs = Date.now();
        retryMs = RETRY_MS_MIN;
        resumeToken = answer.resumeToken;
        take(answer.events.map(storedEventView));
      }
    });
    if (signal.aborted) return;
    const isOver = Date.now() - heardAtMs > SILENCE_MS_MAX;
    if (failure !== null && (isOver || !isStreamBreak(failure))) throw failure;
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
  }
}

/** Null: it ended, or it was silent, for which nobody need be at fault. */
async function oneStream(
  signal: AbortSignal,
  read: (until: AbortSignal, heard: () => void) => Promise<void>,
): Promise<CommandError | null> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), STREAM_SILENCE_MS_MAX);
  try {
    await read(AbortSignal.any([signal, silence.signal]), () => timer.refresh());
    return null;
  } catch (error) {
    return silence.signal.aborted ? null : commandErrorFrom(error);
  } finally {
    clearTimeout(timer);
  }
}
