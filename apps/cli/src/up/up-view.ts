import type { CoordinatorClient } from '../client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { oneLine } from '../render/cell.ts';
import { eventLine } from '../render/event-line.ts';
import { countWords } from '../render/words.ts';
import { type Completion, completionOf } from '../watch/completion.ts';
import { fleetActions } from '../watch/fleet-actions.ts';
import { LiveTable } from '../watch/live-table.ts';
import { readLocks } from '../watch/lock-reading.ts';
import { readLogs } from '../watch/log-reading.ts';
import { terminalStyle } from '../watch/terminal-style.ts';
import type { WatchState } from '../watch/watch-state.ts';
import { watchFleet } from '../watch/watch-stream.ts';
import { LEFT, type Stopping } from './stopping.ts';
import type { RunningFleet } from './up.ts';

export interface ViewOptions {
  /** A terminal: the live table. Else a line an event. */
  readonly live: boolean;
  readonly untilDone: boolean;
  readonly stopping: Stopping;
  readonly print: (line: string) => void;
  /** Gives the table, which has a place for lines that must be seen and must be closed before others write; null: none is shown any more. */
  readonly takeTable: (table: LiveTable | null) => void;
}

/** A coordinator that is started again is away for some seconds, its restarts and back-offs for a minute or more. */
const SILENCE_MS_MAX = 300_000;
/** As often as the table is drawn. */
const LIVE_INTERVAL_MS = 200;
const TRANSCRIPTS_LISTED_MAX = 50;

/** Shows the fleet until it is done (when asked), or until `stopping`; gives how it ended, null for the latter. */
export async function showFleet(
  fleet: RunningFleet,
  options: ViewOptions,
): Promise<Completion | null> {
  const leaving = new AbortController();
  let end: Completion | null = null;
  const [show, close] = options.live ? liveView(fleet, options) : plainView(options);
  const changed = (state: WatchState, news: Parameters<typeof show>[1]) => {
    show(state, news);
    if (!options.untilDone || end !== null) return;
    const completion = completionOf(state, fleet.feedsAdded);
    if (completion.kind === 'working') return;
    end = completion;
    leaving.abort();
  };
  const signal = AbortSignal.any([leaving.signal, options.stopping.signal]);
  try {
    await watchFleet(
      fleet.client,
      { changed },
      { silenceMsMax: SILENCE_MS_MAX, ...(options.live ? { intervalMs: LIVE_INTERVAL_MS } : {}) },
      signal,
    );
  } finally {
    close();
  }
  return end;
}

type Show = (state: WatchState, news: readonly Parameters<typeof eventLine>[0][]) => void;

function liveView(fleet: RunningFleet, options: ViewOptions): [Show, () => void] {
  const { client } = fleet;
  const table = new LiveTable(
    {
      head: { name: client.address, keys: '? help  q stop and quit' },
      style: terminalStyle({}, process.env, true),
      actions: fleetActions(client),
      readLocks: () => readLocks(client),
      readLogs: (jobId) => readLogs(client, jobId),
      suspends: false,
    },
    (how) =>
      options.stopping.end(
        how === 'quit' ? LEFT : new CommandError(EXIT.interrupted, 'interrupted'),
      ),
  );
  options.takeTable(table);
  return [
    (state) => table.show(state),
    () => {
      options.takeTable(null);
      table.close();
    },
  ];
}

function plainView(options: ViewOptions): [Show, () => void] {
  let told = '';
  // What happened before this start is in `podctl events`.
  const startedAt = new Date(Date.now() - process.uptime() * 1_000).toISOString();
  const show: Show = ({ overview }, news) => {
    for (const event of news) if ((event.at ?? '') >= startedAt) options.print(eventLine(event));
    const problem = oneLine(overview?.problem ?? '');
    if (problem === told) return;
    options.print(problem === '' ? 'The problem is over.' : `PROBLEM: ${problem}`);
    told = problem;
  };
  return [show, () => undefined];
}

/** Where the transcripts are, as lines. */
export async function transcriptLines(
  client: CoordinatorClient,
  libraryFolder: string,
): Promise<string[]> {
  const { episodes, nextPageToken } = await client.listEpisodes('', {
    pageSize: TRANSCRIPTS_LISTED_MAX,
    pageToken: '',
  });
  const lines: string[] = [];
  for (const { episodeId } of episodes) {
    const episode = await client.getEpisode(episodeId);
    const path = episode.readablePaths.find((name) => name.endsWith('.txt'));
    if (path !== undefined) lines.push(`  ${oneLine(path)}`);
  }
  const more = nextPageToken === '' ? [] : ['  and more: "podctl episode list" shows them all'];
  return [
    `Transcripts (${countWords(lines.length, 'file')}) in ${libraryFolder}:`,
    ...lines,
    ...more,
  ];
}
