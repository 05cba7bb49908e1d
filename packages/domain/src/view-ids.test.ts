import { expect, it } from 'vitest';
import type { EpisodeId } from './ids.ts';
import { viewPath } from './library-path.ts';
import { parseNameTemplate } from './name-template.ts';
import { shortIdsIn } from './view-ids.ts';

const id = 'hl32op5yijg2xlhnrne3fw4wzc' as EpisodeId;

it.each([
  '{feed}/{date} - {title} [{id}].{ext}',
  '{title}{id}.{ext}',
  'ep{id}x.{ext}',
  '{id}/{id}a.{ext}',
])('the id of an episode is found in a name made as %s', (text) => {
  const template = parseNameTemplate(text);
  if (!template.ok) throw new Error(template.error);
  const of = { feedTitle: 'A', episodeTitle: 'xyz abc', publishedMs: 0, extension: 'mp3' };
  expect(shortIdsIn(viewPath({ ...of, episodeId: id }, template.value))).toContain('hl32op5y');
});

it('nothing of a folder is an id, nor what is too short', () => {
  expect(shortIdsIn('podcasts/abcdefgh/Part 1 [x].mp3')).toEqual([]);
});
