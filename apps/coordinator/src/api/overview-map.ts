import type { GetServerInfoResponse, Overview } from '@podctl/proto/podctl/v1/fleet.ts';
import type { Totals } from '../core/view.ts';
import type { FleetInfo } from '../shell/fleet.ts';
import { dateOf } from './time-map.ts';

export function overviewMessage(totals: Totals, info: FleetInfo): Overview {
  const { tally } = totals;
  return {
    asOf: dateOf(totals.asOfMs),
    revision: BigInt(totals.revision),
    feeds: totals.feeds,
    feedsRead: totals.feedsRead,
    feedsStalled: totals.feedsStalled,
    feedsFailing: totals.feedsFailing,
    episodes: tally.episodes,
    downloaded: tally.done.download,
    transcribed: tally.done.transcribe,
    dead: tally.dead,
    killers: tally.killers,
    downloadWorkers: tally.running.download,
    transcribeWorkers: tally.running.transcribe,
    agentsLive: totals.agentsLive,
    agentsDraining: totals.agentsDraining,
    agentsCordoned: totals.agentsCordoned,
    agentsLost: totals.agentsLost,
    locksStale: totals.locksStale,
    fencedResults: BigInt(info.fencedResults),
    audioSecondsTranscribed: tally.audioSecondsTranscribed,
    leading: info.leading,
    problem: info.problem,
    audioSecondsLeft: totals.forecast.audioSecondsLeft ?? undefined,
    speedRatio: totals.forecast.speedRatio ?? undefined,
    etaSeconds: totals.forecast.etaSeconds ?? undefined,
    jobsWaiting: totals.jobsWaiting,
    hostsThrottled: totals.hostsThrottled,
    asideLeft: totals.asideLeft,
  };
}

export function serverInfoMessage(info: FleetInfo, nowMs: number): GetServerInfoResponse {
  return {
    version: info.version,
    coordinatorId: info.coordinator,
    leading: info.leading,
    epoch: BigInt(info.epoch),
    clusterId: info.cluster,
    natsVersion: info.natsVersion,
    serverTime: dateOf(nowMs),
    metricsAddress: info.metricsAddress ?? '',
  };
}
