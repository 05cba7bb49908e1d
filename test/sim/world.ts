import { createHash } from 'node:crypto';
import {
  type AgentId,
  agentId,
  type EpisodeId,
  episodeIdFrom,
  type FeedId,
  feedId,
} from '@podctl/domain/ids.ts';
import type { Result } from '@podctl/domain/result.ts';
import type { Slots } from '@podctl/domain/session.ts';
import type { Prng } from './prng.ts';

/** Everything about a world that does not change: what there is to do, and who is there to do it. */
export interface World {
  readonly feeds: readonly WorldFeed[];
  readonly agents: readonly { readonly id: AgentId; readonly slots: Slots }[];
  readonly coordinators: number;
  readonly failuresMax: number;
  readonly lossesMax: number;
  /** Downloads that one host of audio may be asked for at a time. */
  readonly hostLimit: number;
  /** Bad things end then. */
  readonly faultsEndMs: number;
}

export interface WorldFeed {
  readonly feed: FeedId;
  readonly url: string;
  /** Share of polls that fail, until the faults end. */
  readonly failing: number;
  readonly episodes: readonly WorldEpisode[];
}

export interface WorldEpisode {
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly key: string;
  readonly title: string;
  readonly url: string;
  /** The feed lists it from then on; before, it is not published. */
  readonly listedFromMs: number;
  readonly downloadMs: number;
  readonly transcribeMs: number;
  /** What its host answers: fine, fails so many times first, or always. */
  readonly downloadFailures: number;
  /** How often its host asks for patience before that; no attempt is counted for it. */
  readonly downloadThrottles: number;
  /** Transcribing it kills the agent's process. */
  readonly isKiller: boolean;
}

export function makeWorld(random: Prng): World {
  const faultsEndMs = random.between(20_000, 110_000);
  const agents = random.pick([1, 2, 2, 3, 3, 4]);
  const failuresMax = random.between(2, 3);
  const killers = agents > 1 && random.chance(0.2);
  return {
    coordinators: random.pick([1, 2, 2, 3]),
    failuresMax,
    lossesMax: 3,
    hostLimit: random.fork('hosts').between(1, 4),
    faultsEndMs,
    agents: Array.from({ length: agents }, (_, i) => ({
      id: must(agentId(`agent-${i + 1}`)),
      slots: { download: random.between(1, 3), transcribe: random.between(1, 2), score: 1 },
    })),
    feeds: Array.from({ length: random.between(1, 3) }, (_, i) =>
      makeFeed(random, i, { faultsEndMs, failuresMax, killers: killers && i === 0 }),
    ),
  };
}

function makeFeed(
  random: Prng,
  index: number,
  of: { faultsEndMs: number; failuresMax: number; killers: boolean },
): WorldFeed {
  const feed = must(feedId(`feed-${index + 1}`));
  const count = random.between(1, 4);
  // Forked, so that older seeds make the same feeds as before.
  const hosts = random.fork('hosts');
  const host = `audio-${hosts.between(1, index + 1)}.example`;
  const episodes = Array.from({ length: count }, (_, i) => {
    const downloadThrottles = hosts.pick([0, 0, 0, 0, 1, 2]);
    const isKiller = of.killers && i === 0;
    return makeEpisode(random, feed, i, { ...of, host, downloadThrottles, isKiller });
  });
  return {
    feed,
    url: `https://host-${index + 1}.example/feed.xml`,
    failing: random.chance(0.3) ? 0.5 : 0,
    episodes,
  };
}

function makeEpisode(
  random: Prng,
  feed: FeedId,
  index: number,
  of: {
    faultsEndMs: number;
    failuresMax: number;
    host: string;
    downloadThrottles: number;
    isKiller: boolean;
  },
): WorldEpisode {
  const key = `${feed}-${index + 1}`;
  const fails = random.pick([0, 0, 0, 0, 0, 1, of.failuresMax]);
  return {
    feed,
    episode: episodeOf(feed, key),
    key,
    title: `Part ${index + 1}`,
    url: `https://${of.host}/${key}.mp3`,
    listedFromMs: random.chance(0.8) ? 0 : random.between(0, of.faultsEndMs),
    downloadMs: random.between(200, 9_000),
    transcribeMs: random.between(500, 25_000),
    downloadFailures: of.isKiller ? 0 : fails,
    downloadThrottles: of.downloadThrottles,
    isKiller: of.isKiller,
  };
}

export function episodeOf(feed: FeedId, key: string): EpisodeId {
  return episodeIdFrom(createHash('sha256').update(`${feed}\n${key}`).digest());
}

export function allEpisodes(world: World): WorldEpisode[] {
  return world.feeds.flatMap(({ episodes }) => episodes);
}

/** The longest that the world's work may take one after the other, with every attempt that may be wanted. */
export function workMs(world: World): number {
  const attempts = world.failuresMax + 1;
  return allEpisodes(world).reduce(
    (sum, { downloadMs, downloadThrottles, transcribeMs, isKiller }) =>
      sum +
      (attempts + downloadThrottles) * (downloadMs + 5_000) +
      downloadThrottles * THROTTLE_MS_MAX +
      (isKiller ? 10 : 1) * (transcribeMs + 20_000),
    0,
  );
}

/** What a host may ask for, and the waits that follow from it. */
const THROTTLE_MS_MAX = 30_000;

export function must<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
