import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { FeedId } from '@podctl/domain/ids.ts';
import { describe, expect, test } from 'vitest';
import { hostOf, newAddress, otherFeedAt } from './feed-address.ts';
import { emptySnapshot } from './snapshot.ts';

const at = (url: string, newFeedUrl: string | null, formerUrls: readonly string[] = []) =>
  newAddress({ url, formerUrls }, url, newFeedUrl);
const OLD = 'https://old.example/feed';

describe('itunes:new-feed-url', () => {
  test('leads to another address', () => {
    expect(at(OLD, 'https://new.example/feed')).toEqual({
      ok: true,
      value: 'https://new.example/feed',
    });
    expect(at(`${OLD}?page=1`, 'https://old.example/new')).toMatchObject({ ok: true });
  });

  test.each([
    null,
    OLD,
    'http://old.example/feed/',
    'https://me:pw@old.example/feed',
    'https://OLD.example:443/feed#now',
    'file:///etc/passwd',
    'nonsense',
  ])('%s leads nowhere', (url) => {
    expect(at(OLD, url)).toEqual({ ok: true, value: null });
  });

  test('leads nowhere when it leads back, or to where the feed was read', () => {
    expect(at(OLD, 'https://b.example/', ['https://b.example/'])).toEqual({
      ok: true,
      value: null,
    });
    const read = newAddress(
      { url: OLD, formerUrls: [] },
      'https://cdn.example/f',
      'https://cdn.example/f',
    );
    expect(read).toEqual({ ok: true, value: null });
  });

  test.each(['https://me:pw@old.example/feed', `${OLD}?token=hunter2`])(
    'does not lead a private feed to another host: %s',
    (url) => {
      const refused = at(url, 'https://new.example/feed?utm=hunter2');
      expect(refused).toMatchObject({ ok: false, error: expect.stringContaining('private') });
      expect(JSON.stringify(refused)).not.toContain('hunter2');
      expect(at(url, 'https://old.example/new')).toMatchObject({ ok: true });
    },
  );
});

test('another feed at the same address is found, a removed one is not', () => {
  const snapshot = emptySnapshot();
  const add = (id: string, url: string, removed = false) =>
    snapshot.feeds.set(id as FeedId, {
      ...{ id: id as FeedId, revision: 1, changes: 1, episodes: new Map() },
      record: { feed: id as FeedId, url, removed } as FeedRecord,
      quality: { byHundredth: null },
      tally: {} as never,
      ready: { download: new Set(), transcribe: new Set() },
      vanished: null,
    });
  add('a', OLD);
  add('b', 'https://b.example/feed', true);
  const found = (url: string, self: string) => otherFeedAt(snapshot, url, self as FeedId);
  expect(found('http://old.example/feed', 'c')).toBe('a');
  expect(found('https://me:pw@OLD.example:443/feed/#now', 'c')).toBe('a');
  expect(found('https://old.example/fee', 'c')).toBeNull();
  expect(found(OLD, 'a')).toBeNull();
  expect(found('https://b.example/feed', 'c')).toBeNull();
});

test('a feed is asked at the name and the port of its URL', () => {
  expect(hostOf('https://me:pw@A.example:8443/feed?x=1')).toBe('a.example:8443');
  expect(hostOf('nonsense')).toBe('');
});
