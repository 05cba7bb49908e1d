import { expect, test } from 'vitest';
import { episodeChoice } from './episode-choice.ts';

const none = { feed: undefined, dead: false, failed: false };

test('episodes are named or chosen: neither both, nor a feed without saying what of it', () => {
  expect(episodeChoice(['k7qm'], none, 'skip')).toBeNull();
  expect(episodeChoice([], { ...none, dead: true }, 'skip')).toEqual({
    ...{ feedId: '', dead: true, failed: false },
  });
  expect(() => episodeChoice(['k7qm'], { ...none, dead: true }, 'skip')).toThrow(
    /one or the other/,
  );
  expect(() => episodeChoice(['k7qm'], { ...none, feed: 'a' }, 'skip')).toThrow(/one or the other/);
  expect(() => episodeChoice([], { ...none, feed: 'a' }, 'skip')).toThrow(/what to skip/);
});
