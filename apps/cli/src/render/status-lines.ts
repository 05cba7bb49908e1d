import type { OverviewView } from '../views/fleet-map.ts';
import { oneLine } from './cell.ts';
import { ageWords, countWords, durationWords, percentWords } from './words.ts';

/** Whether the fleet is well, and the one sentence that says so, worst first. */
export function verdictOf(overview: OverviewView): { healthy: boolean; sentence: string } {
  const { agentsLost, dead, killers, feedsFailing, feedsStalled, locksStale, jobsWaiting } =
    overview;
  const problems = [
    oneLine(overview.problem),
    overview.agentsLive === 0 && jobsWaiting > 0
      ? `no agent is live and ${countWords(jobsWaiting, 'job')} wait${jobsWaiting === 1 ? 's' : ''}`
      : '',
    agentsLost > 0 ? `${countWords(agentsLost, 'agent')} fell silent` : '',
    feedsStalled > 0 ? `${countWords(feedsStalled, 'feed')} stalled` : '',
    feedsFailing > 0 ? `${countWords(feedsFailing, 'feed')} cannot be read` : '',
    locksStale > 0 ? `${countWords(locksStale, 'lock')} stale` : '',
    dead > 0 ? `${countWords(dead, 'episode')} dead` : '',
    killers > 0 ? `${countWords(killers, 'episode')} may kill agents` : '',
  ].filter((problem) => problem !== '');
  return problems.length === 0
    ? { healthy: true, sentence: 'all is well' }
    : { healthy: false, sentence: problems.join('; ') };
}

export function statusLines(overview: OverviewView, nowMs: number): string[] {
  const { healthy, sentence } = verdictOf(overview);
  const role = overview.leading ? 'leads' : 'follows';
  const { agentsDraining, agentsCordoned } = overview;
  const out = [
    ...(agentsDraining > 0 ? [`${agentsDraining} DRAINING`] : []),
    ...(agentsCordoned > 0 ? [`${agentsCordoned} CORDONED`] : []),
  ].join(', ');
  return [
    `Health     ${healthy ? 'ok' : 'PROBLEM'}: ${sentence}`,
    `Feeds      ${overview.feeds}, ${overview.feedsRead} read`,
    `Episodes   ${overview.episodes}`,
    `Download   ${overview.downloaded} done, ${percentWords(overview.downloadedRatio)}%, ${overview.downloadWorkers} running`,
    `Transcribe ${overview.transcribed} done, ${percentWords(overview.transcribedRatio)}%, ${overview.transcribeWorkers} running`,
    `Audio      ${durationWords(overview.audioTranscribedSeconds)} transcribed`,
    `Agents     ${overview.agentsLive} live${out === '' ? '' : ` (${out})`}, ${overview.agentsLost} lost`,
    `Fenced     ${countWords(overview.fencedResults, 'result')}`,
    `As of      ${ageWords(overview.asOf, nowMs)} ago, revision ${overview.revision}; this coordinator ${role}`,
  ];
}
