import { describe, expect, it } from 'vitest';
import { type FeedToAdd, inMessages } from './order.ts';

const feed = (url: string, title: string | null = null): FeedToAdd => ({
  url,
  title,
  bookScore: null,
  id: null,
});

describe('feeds in messages', () => {
  it('keep their order, and none is lost', () => {
    const feeds = Array.from({ length: 1_201 }, (_, n) => feed(`https://example.org/${n}`));
    const lists = inMessages(feeds);
    expect(lists.flat()).toEqual(feeds);
    expect(Math.max(...lists.map((list) => list.length))).toBe(500);
  });

  it('fit the limit of a message, even with long texts that JSON makes longer', () => {
    const feeds = Array.from({ length: 300 }, () => feed('é'.repeat(4_096), '\u0001'.repeat(400)));
    const lists = inMessages(feeds);
    const bytes = lists.map((list) => Buffer.byteLength(JSON.stringify(list)));
    expect(Math.max(...bytes)).toBeLessThan(250 * 1_024);
    expect(lists.length).toBeGreaterThan(5);
  });

  it('are no message when there is none', () => {
    expect(inMessages([])).toEqual([]);
  });
});
