import type { OverviewView } from '../views/fleet-map.ts';
import { oneLine } from './cell.ts';
import { ageWords, countWords, durationWords, percentWords } from './words.ts';

/** What is told of the whole fleet. */
export interface Verdict {
  readonly healthy: boolean;
  /** What is wrong, worst first; else that nothing is. */
  readonly sentence: string;
  /** The same in parts. */
  readonly seen: readonly string[];
  /** The one thing to do about the first of it; empty when nothing is to be done. */
  readonly next: string;
}

interface Problem {
  readonly seen: string;
  readonly next: string;
}

/** An agent that fell silent. Both times may not be known: a coordinator remembers no heartbeats from before it began. */
export interface SilentAgent {
  readonly agentId: string;
  readonly lastHeartbeatAt: string | null;
  /** When it was counted as lost. */
  readonly stateSince: string | null;
}

/** @param silent the agents that are lost, where they were asked for. */
export function verdictOf(
  overview: OverviewView,
  nowMs: number,
  silent: readonly SilentAgent[] = [],
): Verdict {
  const [first, ...others] = problemsOf(overview, nowMs, silent);
  if (first !== undefined)
    return {
      healthy: false,
      sentence: [first, ...others].map(({ seen }) => seen).join('; '),
      seen: [first, ...others].map(({ seen }) => seen),
      next: first.next,
    };
  const isEmpty = overview.feeds === 0;
  const sentence = isEmpty ? 'no feed is here yet' : 'all is well';
  return {
    ...{ healthy: true, sentence, seen: [sentence] },
    next: isEmpty ? 'podctl feed add URL' : '',
  };
}

function problemsOf(
  overview: OverviewView,
  nowMs: number,
  silent: readonly SilentAgent[],
): readonly Problem[] {
  const { agentsLost, dead, killers, feedsFailing, feedsStalled, locksStale, jobsWaiting } =
    overview;
  const problems: readonly (Problem | null)[] = [
    problem(overview.problem !== '', oneLine(overview.problem), 'podctl doctor'),
    problem(
      overview.agentsLive === 0 && jobsWaiting > 0,
      `no agent is live and ${countWords(jobsWaiting, 'job')} wait${jobsWaiting === 1 ? 's' : ''}`,
      'start one: podctl agent run, on a machine of the fleet',
    ),
    problem(
      agentsLost > 0,
      lostWords(overview, nowMs, silent),
      'podctl agent list, then start podctl again on those machines',
    ),
    problem(
      feedsStalled > 0,
      `${countWords(feedsStalled, 'feed')} stalled`,
      'podctl feed list, then podctl feed show FEED',
    ),
    problem(
      feedsFailing > 0,
      `${countWords(feedsFailing, 'feed')} cannot be read`,
      'podctl feed list -o wide, which shows why',
    ),
    problem(
      locksStale > 0,
      `${countWords(locksStale, 'lock')} stale`,
      'podctl lock list, then podctl lock release',
    ),
    problem(
      dead > 0,
      `${countWords(dead, 'episode')} dead`,
      'podctl episode list --dead -o wide, then podctl episode retry --dead',
    ),
    problem(
      killers > 0,
      `${countWords(killers, 'episode')} may kill agents`,
      'podctl events --type agent-lost',
    ),
  ];
  return problems.filter((one) => one !== null);
}

function problem(isThere: boolean, seen: string, next: string): Problem | null {
  return isThere ? { seen, next } : null;
}

const NAMED_MAX = 4;
const DAY_MS = 86_400_000;

/** `2 of 4 agents are gone since 07:51:06Z (gpu1, gpu2)` */
function lostWords(
  { agentsLive, agentsLost }: OverviewView,
  nowMs: number,
  silent: readonly SilentAgent[],
): string {
  const gone = `${agentsLost} of ${countWords(agentsLive + agentsLost, 'agent')} ${agentsLost === 1 ? 'is' : 'are'} gone`;
  const [first] = silent.flatMap((agent) => agent.lastHeartbeatAt ?? agent.stateSince ?? []).sort();
  const since = first === undefined ? '' : ` since ${clockWords(first, nowMs)}`;
  const names = silent.slice(0, NAMED_MAX).map(({ agentId }) => agentId);
  const more = silent.length > NAMED_MAX ? ', …' : '';
  return `${gone}${since}${names.length === 0 ? '' : ` (${names.join(', ')}${more})`}`;
}

function clockWords(time: string, nowMs: number): string {
  const whole = time.replace(/\.\d+Z$/, 'Z');
  return nowMs - Date.parse(time) < DAY_MS ? whole.slice(11) : whole;
}

export function statusLines(overview: OverviewView, verdict: Verdict, nowMs: number): string[] {
  const [first, ...others] = verdict.seen;
  const role = overview.leading ? 'leads' : 'follows';
  const { agentsDraining, agentsCordoned } = overview;
  const out = [
    ...(agentsDraining > 0 ? [`${agentsDraining} DRAINING`] : []),
    ...(agentsCordoned > 0 ? [`${agentsCordoned} CORDONED`] : []),
  ].join(', ');
  return [
    `Health     ${verdict.healthy ? 'ok' : 'PROBLEM'}: ${first}`,
    ...others.map((seen) => `           PROBLEM: ${seen}`),
    ...(verdict.next === '' ? [] : [`Next       ${verdict.next}`]),
    `Feeds      ${overview.feeds}, ${overview.feedsRead} read`,
    `Episodes   ${overview.episodes}`,
    `Download   ${overview.downloaded} done, ${percentWords(overview.downloadedRatio)}%, ${overview.downloadWorkers} running`,
    `Transcribe ${overview.transcribed} done, ${percentWords(overview.transcribedRatio)}%, ${overview.transcribeWorkers} running`,
    ...(overview.hostsThrottled > 0
      ? [
          `Hosts      ${countWords(overview.hostsThrottled, 'host')} asked for patience: podctl host list`,
        ]
      : []),
    `Audio      ${durationWords(overview.audioTranscribedSeconds)} transcribed`,
    `Agents     ${overview.agentsLive} live${out === '' ? '' : ` (${out})`}, ${overview.agentsLost} lost`,
    `Fenced     ${countWords(overview.fencedResults, 'late result')} refused`,
    `As of      ${ageWords(overview.asOf, nowMs)} ago, revision ${overview.revision}; this coordinator ${role}`,
  ];
}
