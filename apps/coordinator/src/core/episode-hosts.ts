import type { FeedItem } from '@podctl/domain/feed/feed-document.ts';
import { type HostName, hostOfEnclosure } from '@podctl/domain/host-name.ts';
import type { EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import type { Snapshot } from './snapshot.ts';

/** Of a feed whose enclosures name several hosts: which, behind known tracking prefixes. */
export interface EpisodeHosts {
  /** That of most: it stands for all that are not among the others. */
  readonly usual: HostName;
  readonly others: ReadonlyMap<EpisodeId, HostName>;
  /** Different hosts. */
  readonly count: number;
}

/** Episodes at other hosts than their feed's usual one, of all feeds: about 10 MB. A feed beyond it is known by its newest host. */
const OTHERS_MAX = 100_000;
/** Hosts of which another one is known to answer for them. */
const BEHIND_MAX = 1_000;
/** URLs looked at between two rests. */
const SLICE = 200;

/** Null where all of them name one host, or none. A generator, so that who runs it can let others run between its slices. */
export function* episodeHosts(
  listed: ReadonlyMap<EpisodeId, FeedItem>,
): Generator<void, EpisodeHosts | null> {
  const hosts = new Map<EpisodeId, HostName>();
  const counts = new Map<HostName, number>();
  let looked = 0;
  for (const [episode, { enclosureUrl }] of listed) {
    const host = hostOfEnclosure(enclosureUrl);
    if (host !== null) {
      hosts.set(episode, host);
      counts.set(host, (counts.get(host) ?? 0) + 1);
    }
    looked += 1;
    if (looked % SLICE === 0) yield;
  }
  const [usual] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  if (usual === undefined || counts.size < 2) return null;
  for (const [episode, host] of hosts) if (host === usual) hosts.delete(episode);
  return { usual, others: hosts, count: counts.size };
}

/** What a document told; no part of the state, so a new leader reads such a feed whole once. */
export function noteEpisodeHosts(
  { episodeHosts: known }: Snapshot,
  feed: FeedId,
  hosts: EpisodeHosts | null,
): void {
  known.delete(feed);
  if (hosts === null) return;
  let others = hosts.others.size;
  for (const one of known.values()) others += one?.others.size ?? 0;
  known.set(feed, others > OTHERS_MAX ? null : hosts);
}

/** Whether its episodes' hosts are known one by one. */
export function isMixed({ episodeHosts: known }: Snapshot, feed: FeedId): boolean {
  return known.get(feed) != null;
}

/**
 * Where an episode's audio comes from: of most feeds the host that is known for the feed. Null: none that is to be spared;
 * undefined: not known yet.
 */
export function downloadHost(
  snapshot: Snapshot,
  feed: FeedId,
  episode: EpisodeId | null,
): HostName | null | undefined {
  const own = snapshot.episodeHosts.get(feed) ?? null;
  if (own === null || episode === null) return snapshot.feedHosts.get(feed)?.record.host;
  const named = own.others.get(episode) ?? own.usual;
  return snapshot.hostsBehind.get(named) ?? named;
}

/** An episode of such a feed was answered by a host, perhaps behind redirects: the next ones with its URL's host are as well. */
export function noteAnswer(
  { episodeHosts: known, hostsBehind }: Snapshot,
  feed: FeedId,
  episode: EpisodeId,
  host: HostName,
): void {
  const own = known.get(feed) ?? null;
  if (own === null) return;
  const named = own.others.get(episode) ?? own.usual;
  hostsBehind.delete(named);
  if (named !== host) hostsBehind.set(named, host);
  const [oldest] = hostsBehind.keys();
  if (hostsBehind.size > BEHIND_MAX && oldest !== undefined) hostsBehind.delete(oldest);
}
