import { normalizeFeedUrl, withoutSecrets } from '@podctl/domain/feed/url.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { type Snapshot, wantedFeeds } from './snapshot.ts';

type Addresses = Pick<FeedRecord, 'url' | 'formerUrls'>;

/**
 * Where `itunes:new-feed-url` leads; null where it leads nowhere new: to the feed itself, to where it was read, or back to
 * where it was before, which would be a circle. The caller reads the feed there before it believes it. The error is one
 * sentence, without secrets: a private feed that names a public address of another host would lose what only its
 * subscribers get.
 */
export function newAddress(
  { url, formerUrls }: Addresses,
  finalUrl: string,
  newFeedUrl: string | null,
): Result<string | null, string> {
  if (newFeedUrl === null) return ok(null);
  const found = normalizeFeedUrl(newFeedUrl);
  if (!found.ok) return ok(null);
  const known = [url, finalUrl, ...formerUrls].map(bare);
  if (known.includes(bare(found.value))) return ok(null);
  if (isPrivate(url) && new URL(url).hostname !== new URL(found.value).hostname)
    return err(
      `it says that it moved to ${withoutSecrets(found.value)}, which is not followed, since this feed is a private one: add the new URL if it is yours`,
    );
  return ok(found.value);
}

/**
 * Another feed that has this URL: two feeds would become one. Records hold URLs as `normalizeFeedUrl` writes them; to parse
 * ten thousand each time that a feed moved would hold the loop up, and hosts move all of theirs at once.
 */
export function otherFeedAt(snapshot: Snapshot, url: string, self: FeedId): FeedId | null {
  const wanted = bare(url);
  for (const { id, record } of wantedFeeds(snapshot))
    if (id !== self && record?.url.includes(wanted) && bare(record.url) === wanted) return id;
  return null;
}

/** The name and port that a feed is asked at; empty for what is no URL, which the fetch will say. */
export function hostOf(url: string): string {
  return URL.parse(url)?.host ?? '';
}

function isPrivate(url: string): boolean {
  const { username, password, search } = new URL(url);
  return username !== '' || password !== '' || search !== '';
}

/** Without what makes no other feed of it. */
function bare(url: string): string {
  const found = normalizeFeedUrl(url);
  return (found.ok ? found.value : url)
    .replace(/^https?:\/\/(?:[^/?#@]*@)?/, '')
    .replace(/\/$/, '');
}
