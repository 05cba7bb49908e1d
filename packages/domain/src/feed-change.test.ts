import { describe, expect, it } from 'vitest';
import { NO_FILTER } from './feed/episode-filter.ts';
import { changeFeed, type FeedChange } from './feed-change.ts';
import { CHOICE_LIMITS, labelProblem } from './feed-choices.ts';
import { choicesOf, type FeedRecord, mayBegin } from './feed-record.ts';
import type { ClusterId, EpisodeId, FeedId, Nonce } from './ids.ts';

const plain: FeedRecord = {
  cluster: 'c'.repeat(16) as ClusterId,
  nonce: 'n'.repeat(16) as Nonce,
  feed: 'alpha' as FeedId,
  url: 'https://pods.example/alpha.xml',
  formerUrls: [],
  title: null,
  addedMs: 0,
  bookScore: null,
  generation: 0,
  etag: null,
  lastModified: null,
  lastSuccessMs: null,
  failures: 0,
  nextPollMs: 9_000,
  problem: null,
  listed: 0,
};
const ids = (...letters: string[]) => letters.map((letter) => letter.repeat(26) as EpisodeId);

function changed(change: FeedChange, record = plain, open: readonly EpisodeId[] | null = null) {
  const after = changeFeed(record, change, (id) => open === null || open.includes(id));
  if (!after.ok) throw new Error(after.error);
  return after.value;
}

describe('a change of a feed', () => {
  it('sets what it names, leaves the rest, and names what is another now', () => {
    const { record, fields } = changed({
      priority: 3,
      paused: true,
      setLabels: { b: '2', a: '1' },
    });
    expect(fields).toEqual(['paused', 'priority', 'labels']);
    expect(choicesOf(record)).toMatchObject({ priority: 3, paused: true, model: null });
    expect(Object.keys(choicesOf(record).labels)).toEqual(['a', 'b']);
    expect(record.nextPollMs).toBe(9_000);
  });

  it('of which episodes are wanted has the whole feed read anew, and null wants all again', () => {
    const read = { ...plain, etag: '"1"', lastModified: 'then' };
    const filter = { ...NO_FILTER, titleSkip: 'rerun' };
    const { record, fields } = changed({ filter, prompt: 'Brontë' }, read);
    expect(fields).toEqual(['filter', 'prompt', 'nextPoll']);
    expect(record).toMatchObject({ nextPollMs: 0, etag: null, lastModified: null });
    expect(changed({ filter: { ...filter }, prompt: 'Brontë' }, record).fields).toEqual([]);
    const after = changed({ filter: null, prompt: null }, { ...record, nextPollMs: 9_000 });
    expect(Object.keys(choicesOf(after.record))).not.toContain('filter');
    expect(after.fields).toEqual(['filter', 'prompt', 'nextPoll']);
    // What else is chosen changes nothing of when it is read.
    expect(changed({ hotwords: 'Haworth' }, read).record).toMatchObject({ etag: '"1"' });
  });

  it('is nothing the second time', () => {
    const change = { bookScore: 4, model: 'small', setLabels: { a: '1' }, first: ids('a') };
    const once = changed(change);
    expect(once.fields).toEqual(['bookScore', 'labels', 'model', 'first']);
    expect(changed(change, once.record)).toEqual({ record: once.record, fields: [] });
  });

  it('takes labels off, and goes back to the model of the fleet with null', () => {
    const { record } = changed({ model: 'small', setLabels: { a: '1', b: '2' } });
    const back = changed({ model: null, removeLabels: ['a'] }, record);
    expect(choicesOf(back.record)).toMatchObject({ model: null, labels: { b: '2' } });
  });

  it('has it polled at once, also while it is paused', () => {
    expect(changed({ pollNow: true, paused: true }).record.nextPollMs).toBe(0);
  });

  it('lets no job begin of what is paused or removed', () => {
    expect(mayBegin(plain)).toBe(true);
    expect(mayBegin(changed({ paused: true }).record)).toBe(false);
    expect(mayBegin(changed({ remove: true }).record)).toBe(false);
  });
});

describe('the episodes that go first', () => {
  it('are the newest wish before older ones, without those of which nothing is left', () => {
    const { record } = changed({ first: ids('a', 'b') });
    const after = changed({ first: ids('c', 'b') }, record, ids('a', 'b', 'c'));
    expect(choicesOf(after.record).first).toEqual(ids('c', 'b', 'a'));
    const later = changed({ first: ids('d') }, after.record, ids('d', 'a'));
    expect(choicesOf(later.record).first).toEqual(ids('d', 'a'));
  });

  it('have a limit', () => {
    const many = Array.from({ length: CHOICE_LIMITS.firstMax + 1 }, (_, n) => `${n}` as EpisodeId);
    const refused = changeFeed(plain, { first: many }, () => true);
    expect(refused).toMatchObject({ ok: false, error: expect.stringContaining('101') });
  });
});

describe('labels', () => {
  it('are refused when they are too many, or would not fit a line', () => {
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, n) => [`k${n}`, '1']));
    expect(changeFeed(plain, { setLabels: many }, () => true).ok).toBe(false);
    expect(labelProblem('topic', 'history of x')).toBeNull();
    expect(labelProblem('Topic', '1')).toContain('key');
    expect(labelProblem('topic', 'a\u001b[31m')).toContain('topic');
    expect(labelProblem('topic', 'x'.repeat(64))).toContain('topic');
  });

  it('of which audio stays is told once, and null goes back to the fleet’s', () => {
    const keepAudio = { kind: 'days', days: 3 } as const;
    const set = changeFeed(plain, { keepAudio }, () => true);
    expect(set).toMatchObject({ ok: true, value: { fields: ['keepAudio'] } });
    const chosen = set.ok ? set.value.record : plain;
    expect(changeFeed(chosen, { keepAudio }, () => true)).toMatchObject({ value: { fields: [] } });
    expect(changeFeed(chosen, { keepAudio: null }, () => true)).toMatchObject({
      value: { fields: ['keepAudio'], record: { choices: { keepAudio: undefined } } },
    });
  });
});
