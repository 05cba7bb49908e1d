import type { AgentView } from '../../views/agent-map.ts';
import type { OverviewView } from '../../views/fleet-map.ts';
import type { ScreenState } from '../../watch/screen-state.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import { shownAgeMs, type WatchState } from '../../watch/watch-state.ts';
import { durationWords, percentWords } from '../words.ts';
import { audioWords, etaWords, grouped, speedWords } from './figure-words.ts';
import { type Line, type Span, type Tone, text } from './line.ts';

export interface WatchHead {
  /** `ctx:home`, or `host:port` of the coordinator. */
  readonly name: string;
  /** What the keys do, e.g. `? help  q quit`; empty when there are none. */
  readonly keys: string;
  /** A line that must be seen now, e.g. that a child died; empty when there is none. */
  readonly notice?: string;
}

/** The coordinator speaks every 10 s at least. */
const STALE_AFTER_MS = 15_000;
/** From here on the totals have room for whole words. */
const SUMMARY_WIDTH = 100;

/** A piece of a summary; those of the highest number go first when there is no room. */
interface Piece {
  readonly words: string;
  readonly drop: number;
  readonly tone?: Tone | undefined;
}

/** `podctl watch  ctx:home  live  21:04:07Z  1/412      ? help  q quit` */
export function headLine(
  { state }: WatchPicture,
  screen: ScreenState,
  place: string,
  columns: number,
  nowMs: number,
  head: WatchHead,
): Line {
  const all: readonly Piece[] = [
    { words: 'podctl watch', drop: 0, tone: 'strong' },
    { words: head.name, drop: 2 },
    liveness(state, nowMs),
    ...(screen.frozenAtMs === null
      ? []
      : [frozen(durationWords((nowMs - screen.frozenAtMs) / 1_000))]),
    { words: `${new Date(nowMs).toISOString().slice(11, 19)}Z`, drop: 0 },
    { words: place, drop: 1 },
    ...(screen.readOnly ? [{ words: 'read-only', drop: 2 }] : []),
  ];
  const pieces = all.filter(({ words }) => words !== '');
  const { keys } = head;
  const line = summary(pieces, columns);
  const gap = columns - widthOf(line) - keys.length;
  return gap < 2 ? line : [...line, { text: ' '.repeat(gap) + keys }];
}

function frozen(age: string): Piece {
  return { words: `FROZEN ${age}`, drop: 0, tone: 'warn' };
}

function liveness(state: WatchState, nowMs: number): Piece {
  const ageMs = shownAgeMs(state, nowMs);
  if (ageMs === null) return { words: 'connecting', drop: 0, tone: 'warn' };
  // A stream that is being opened anew is not live, however short ago it was.
  const isLost = state.sequence === null || state.sequence === 0n;
  return isLost || ageMs > STALE_AFTER_MS
    ? { words: `STALE ${durationWords(ageMs / 1_000)}`, drop: 0, tone: 'bad' }
    : { words: 'live', drop: 0, tone: 'good' };
}

/** The totals in two lines, and what is wrong with all of it in a third. */
export function summaryLines({ state }: WatchPicture, columns: number): readonly Line[] {
  const { overview } = state;
  if (overview === null) return [text('waiting for the first snapshot')];
  const wide = columns >= SUMMARY_WIDTH;
  const lines = [
    summary(workPieces(overview, wide), columns),
    summary(fleetPieces(overview, state.agents.values(), columns), columns),
  ];
  return overview.problem === '' ? lines : [...lines, text(`PROBLEM: ${overview.problem}`, 'bad')];
}

function workPieces(overview: OverviewView, wide: boolean): Piece[] {
  const { feeds, episodes, downloaded, transcribed } = overview;
  const share = (name: string, count: number, ratio: number) =>
    wide
      ? `${name} ${grouped(count)} (${percentWords(ratio)}%)`
      : `${name} ${grouped(count)} ${percentWords(ratio)}%`;
  return [
    { words: `feeds ${grouped(feeds)}`, drop: 0 },
    { words: `${wide ? 'episodes' : 'eps'} ${grouped(episodes)}`, drop: 4 },
    { words: share(wide ? 'downloaded' : 'dl', downloaded, overview.downloadedRatio), drop: 0 },
    { words: share(wide ? 'transcribed' : 'tx', transcribed, overview.transcribedRatio), drop: 0 },
    { words: `left ${audioWords(overview.audioLeftSeconds)}`, drop: 2 },
    { words: `ETA ${etaWords(overview.etaSeconds)}`, drop: 1 },
    { words: speedWords(overview.speedRatio), drop: 3 },
    ...(wide
      ? [{ words: `audio ${audioWords(overview.audioTranscribedSeconds)} done`, drop: 5 }]
      : []),
  ].filter(({ words }) => words !== '-');
}

function fleetPieces(
  overview: OverviewView,
  agents: Iterable<AgentView>,
  columns: number,
): Piece[] {
  const { agentsLive, agentsLost, agentsDraining, downloadWorkers, transcribeWorkers } = overview;
  const wide = columns >= SUMMARY_WIDTH;
  const gpu = gpuShare(agents);
  return [
    {
      words: `agents ${agentsLive}/${agentsLive + agentsLost}${agentsLost > 0 ? ` ${agentsLost} LOST` : ''}`,
      drop: 0,
      tone: agentsLost > 0 ? 'bad' : undefined,
    },
    ...(agentsDraining > 0 ? [{ words: `draining ${agentsDraining}`, drop: 3 }] : []),
    ...(wide
      ? [
          { words: `downloading ${downloadWorkers}`, drop: 1 },
          { words: `transcribing ${transcribeWorkers}`, drop: 1 },
        ]
      : [{ words: `wrk ${downloadWorkers}+${transcribeWorkers}`, drop: 1 }]),
    ...(gpu === null ? [] : [{ words: `gpu ${percentWords(gpu)}%`, drop: 5 }]),
    { words: `queue ${grouped(overview.jobsWaiting)}`, drop: 4 },
    ...troublePieces(overview, columns),
  ];
}

function troublePieces(overview: OverviewView, columns: number): Piece[] {
  const { dead, killers, feedsStalled, feedsFailing, locksStale } = overview;
  const killing = columns >= SUMMARY_WIDTH ? `(${killers} may kill agents)` : `killers ${killers}`;
  const bad = (count: number): Tone | undefined => (count > 0 ? 'bad' : undefined);
  const locks = columns >= 80 ? 'stale locks' : 'stale';
  return [
    { words: `dead ${dead}`, drop: 0, tone: dead > 0 ? 'warn' : undefined },
    ...(killers > 0 ? [{ words: killing, drop: 2, tone: 'warn' as const }] : []),
    { words: `stalled ${feedsStalled}`, drop: 0, tone: bad(feedsStalled) },
    { words: `${locks} ${locksStale}`, drop: 0, tone: bad(locksStale) },
    ...(feedsFailing > 0
      ? [{ words: `failing ${feedsFailing}`, drop: 3, tone: 'bad' as const }]
      : []),
  ];
}

/** Mean of those GPUs that tell; null where none does. */
function gpuShare(agents: Iterable<AgentView>): number | null {
  const shares = [...agents]
    .flatMap(({ gpus }) => gpus.map(({ utilizationRatio }) => utilizationRatio))
    .filter((share) => share !== null);
  return shares.length === 0 ? null : shares.reduce((sum, one) => sum + one, 0) / shares.length;
}

/** The pieces two columns apart, without those for which there is no room. */
function summary(pieces: readonly Piece[], columns: number): Line {
  let kept = pieces;
  for (let drop = Math.max(...pieces.map((piece) => piece.drop)); drop > 0; drop -= 1) {
    if (widthOf(spansOf(kept)) <= columns) break;
    kept = kept.filter((piece) => piece.drop < drop);
  }
  return spansOf(kept);
}

function spansOf(pieces: readonly Piece[]): Span[] {
  return pieces.flatMap(({ words, tone }, i) => [
    ...(i === 0 ? [] : [{ text: '  ' }]),
    tone === undefined ? { text: words } : { text: words, tone },
  ]);
}

function widthOf(line: Line): number {
  return line.reduce((sum, span) => sum + span.text.length, 0);
}
