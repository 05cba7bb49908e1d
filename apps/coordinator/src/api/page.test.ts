import { describe, expect, test } from 'vitest';
import { firstId, joinedKey, pageOf, takePage } from './page.ts';

const page = (pageSize: number, pageToken = '') => {
  const result = pageOf({ pageSize, pageToken });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
};

describe('a page', () => {
  test('goes on after the last key of the page before, and its token is empty at the end', () => {
    const keys = ['a', 'b', 'c', 'd', 'e'];
    const first = takePage(keys, (key) => key, page(2));
    const second = takePage(keys, (key) => key, page(2, first.nextPageToken));
    const third = takePage(keys, (key) => key, page(2, second.nextPageToken));
    expect([first.items, second.items, third.items]).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
    expect(third.nextPageToken).toBe('');
  });

  test('that ends at the last item promises no further one', () => {
    expect(takePage(['a', 'b'], (key) => key, page(2)).nextPageToken).toBe('');
  });

  test('skips nothing and repeats nothing when items come and go between the pages', () => {
    const first = takePage(['a', 'b', 'c'], (key) => key, page(2));
    const second = takePage(['a', 'bb', 'c'], (key) => key, page(2, first.nextPageToken));
    expect(second.items).toEqual(['bb', 'c']);
  });

  test('of joined ids is ordered as the ids are, though a hyphen may follow', () => {
    const keys = [joinedKey('a', 'x'), joinedKey('a-b', 'c'), joinedKey('ab', 'a')];
    expect([...keys].sort()).toEqual(keys);
  });

  test('begins at the feed that its token names', () => {
    const { nextPageToken } = takePage(
      [joinedKey('feed-1', 'x'), joinedKey('feed-2', 'y')],
      (key) => key,
      page(1),
    );
    expect(firstId(page(1, nextPageToken))).toBe('feed-1');
    expect(firstId(page(1))).toBe('');
  });

  test.each(['x', '%%%', 'YQ==', Buffer.from('../etc').toString('base64url'), 'YR'])(
    'with the made-up token %j is refused',
    (pageToken) => {
      expect(pageOf({ pageSize: 0, pageToken })).toMatchObject({ error: { kind: 'invalid' } });
    },
  );

  test('has 1,000 items when no size is given, and is refused above that', () => {
    expect(page(0).size).toBe(1_000);
    expect(pageOf({ pageSize: 1_001, pageToken: '' })).toMatchObject({
      error: { message: expect.stringContaining('1001') },
    });
  });
});
