import { expect, it } from 'vitest';
import { episodeExtras } from './episode-extras-map.ts';

const plain = {
  ...{ key: 'k', url: 'https://a.test/1.mp3', feedTitle: 'F', title: 'T', guid: null },
  ...{ publishedMs: null, durationSecondsEstimate: null },
};

it('tells no secret of the addresses that a feed gives', () => {
  const transcripts = [
    { url: 'https://me:pw@a.test/1.srt?token=s', type: 'text/srt', language: null },
  ];
  const extras = episodeExtras({
    ...plain,
    transcripts,
    chaptersUrl: 'https://a.test/c.json?key=s',
  });
  expect(extras?.transcripts).toEqual([
    { url: 'https://a.test/1.srt', type: 'text/srt', language: '' },
  ]);
  expect(extras?.chaptersUrl).toBe('https://a.test/c.json');
});

it('is nothing where the feed says nothing', () => {
  expect(episodeExtras(plain)).toBeUndefined();
});
