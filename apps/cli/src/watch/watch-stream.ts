import { setTimeout as delay } from 'node:timers/promises';
import type { CoordinatorClient } from '../client.ts';
import { type CommandError, commandErrorFrom, EXIT } from '../command-error.ts';
import { isServiceError } from '../status-map.ts';
import { tlsFailureIn } from '../tls-failure.ts';
import { type EventView, watchMessage } from '../views/fleet-map.ts';
import { applied, disconnected, emptyWatch, type WatchState } from './watch-state.ts';

export interface WatchSink {
  /** Called after each message, and when the stream is lost. */
  changed(state: WatchState, news: readonly EventView[]): void;
}

export interface WatchPatience {
  /** Gives up when no message came for this long, counted from the start or from the last message. */
  readonly silenceMsMax: number;
  /** The coordinator tells what changed no more often than this. */
  readonly intervalMs?: number;
}

const INTERVAL_MS = 500;

const RETRY_MS_MIN = 250;
const RETRY_MS_MAX = 2_000;
/** The coordinator heartbeats every 10 s: a stream silent for longer is dead, whatever TCP says. */
const STREAM_SILENCE_MS_MAX = 25_000;

/**
 * Keeps a watch stream open until the signal: opens it anew after a gap, a silence or a loss.
 * Rejects with CommandError when nothing was heard for `silenceMsMax`, or when the server refuses for good.
 */
export async function watchFleet(
  client: CoordinatorClient,
  sink: WatchSink,
  patience: WatchPatience,
  signal: AbortSignal,
): Promise<void> {
  let state = emptyWatch;
  let retryMs = RETRY_MS_MIN;
  let heardAtMs = Date.now();
  const take = (next: WatchState, news: readonly EventView[]) => {
    state = next;
    retryMs = RETRY_MS_MIN;
    heardAtMs = Date.now();
    sink.changed(state, news);
  };
  while (!signal.aborted) {
    const end = await oneStream(client, state, take, patience.intervalMs ?? INTERVAL_MS, signal);
    if (signal.aborted) return;
    const failure = end === 'gap' ? null : end;
    // Of a gap it is not known what is missing: the next stream begins anew.
    state = disconnected(end === 'gap' ? { ...state, resumeToken: '' } : state);
    sink.changed(state, []);
    if (failure !== null && !worthRetrying(failure, heardAtMs, patience)) throw failure;
    await delay(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(RETRY_MS_MAX, retryMs * 2);
  }
}

/** Follows one stream to its end; null: a silence, for which the server need not be at fault. */
async function oneStream(
  client: CoordinatorClient,
  before: WatchState,
  take: (state: WatchState, news: readonly EventView[]) => void,
  intervalMs: number,
  signal: AbortSignal,
): Promise<CommandError | 'gap' | null> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(), STREAM_SILENCE_MS_MAX);
  let state = before;
  try {
    const ended = AbortSignal.any([signal, silence.signal]);
    for await (const response of client.watch(intervalMs, ended, before.resumeToken)) {
      timer.refresh();
      const next = applied(state, watchMessage(response), Date.now());
      if (next.kind === 'gap') return 'gap';
      state = next.state;
      take(state, next.news);
    }
    return commandErrorFrom(new Error('the coordinator ended the stream'));
  } catch (error) {
    return silence.signal.aborted ? null : commandErrorFrom(error);
  } finally {
    clearTimeout(timer);
  }
}

function worthRetrying(failure: CommandError, heardAtMs: number, patience: WatchPatience): boolean {
  const { exitCode, cause } = failure;
  // Who was taken for somebody else will be so at the next try.
  const isStranger =
    isServiceError(cause) && (tlsFailureIn(cause.details) ?? 'hung_up') !== 'hung_up';
  const isRefused = exitCode === EXIT.denied || exitCode === EXIT.usage || isStranger;
  return !isRefused && Date.now() - heardAtMs <= patience.silenceMsMax;
}
