import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ClusterId, type EpisodeId, episodeIdFrom, type FeedId, type Token } from './ids.ts';
import {
  acceptedFolder,
  adoptedStagingFolder,
  folderOfStaging,
  parseStaging,
  stagingFolder,
  viewPath,
} from './library-path.ts';
import { DEFAULT_NAME_TEMPLATE, parseNameTemplate } from './name-template.ts';

const cluster = 'abcdefghijklmnop' as ClusterId;
const feed = 'the-feed' as FeedId;
const episode = 'abcdefghijklmnopqrstuvwxyz' as EpisodeId;

describe('a staging folder', () => {
  const folder = stagingFolder(cluster, feed, episode, 'transcribe', 42 as Token);

  it('names cluster, job and token', () => {
    expect(folder).toBe(`staging/${cluster}/the-feed.${episode}.transcribe/42`);
  });

  it('is read back, with what lies below it', () => {
    const place = { cluster, feed, episode, stage: 'transcribe', token: 42, isAdopted: false };
    expect(parseStaging(folder)).toEqual({ ...place, rest: '' });
    expect(parseStaging(`${folder}/a/b.txt`)).toEqual({ ...place, rest: 'a/b.txt' });
  });

  it('of what is adopted is no agent’s, and is read back too', () => {
    const adopted = adoptedStagingFolder(cluster, feed, episode, 'transcribe', 42 as Token);
    expect(adopted).not.toBe(folder);
    for (const [path, isAdopted] of [
      [folder, false],
      [adopted, true],
    ] as const) {
      const place = parseStaging(`${path}/a.txt`);
      expect(place).toMatchObject({ token: 42, isAdopted, rest: 'a.txt' });
      expect(place && folderOfStaging(place)).toBe(path);
    }
  });

  it.each([
    'staging',
    `episodes/${cluster}/the-feed.${episode}.transcribe/42`,
    `staging/${cluster}/the-feed.${episode}.polish/42`,
    `staging/${cluster}/the-feed.${episode}.transcribe`,
    `staging/${cluster}/the-feed.${episode}.transcribe/042`,
    `staging/${cluster}/the-feed.${episode}.transcribe/adopted-042`,
    `staging/${cluster}/the-feed.${episode}.transcribe/adopted-`,
    `staging/${cluster}/the-feed.${episode}.transcribe.x/42`,
    `staging/UPPER/the-feed.${episode}.transcribe/42`,
    `/staging/${cluster}/the-feed.${episode}.transcribe/42`,
  ])('is not seen in %s', (path) => {
    expect(parseStaging(path)).toBeNull();
  });
});

it('accepted files lie under the run and the token', () => {
  expect(acceptedFolder(feed, episode, 'download', 3, 9 as Token)).toBe(
    `episodes/the-feed/${episode}/download/r3-9`,
  );
});

describe('the readable name', () => {
  const name = {
    feedTitle: 'The Feed',
    episodeTitle: 'First: a start?',
    publishedMs: Date.UTC(2024, 1, 29, 23, 59),
    episodeId: episode,
    extension: 'mp3',
  };
  const file = (change: Partial<typeof name> | { publishedMs: null }) =>
    viewPath({ ...name, ...change }).split('/')[2];
  const folder = (feedTitle: string) => viewPath({ ...name, feedTitle }).split('/')[1];

  it('holds feed, day, title and the beginning of the id', () => {
    expect(viewPath(name)).toBe('podcasts/The Feed/2024-02-29 - First- a start- [abcdefgh].mp3');
  });

  it('says so when there is no day', () => {
    expect(file({ publishedMs: null })).toBe('undated - First- a start- [abcdefgh].mp3');
    expect(file({ publishedMs: Number.NaN })).toMatch(/^undated/);
    expect(file({ publishedMs: 1e18 })).toMatch(/^undated/);
  });

  it('keeps every script', () => {
    for (const title of ['日本語のポッドキャスト', 'پادکست می‌خواهم', 'हिन्दी', 'Ünïcode', '👩‍👩‍👧'])
      expect(folder(title)).toBe(title.normalize('NFC'));
  });

  it('never hides, reverses or reserves anything', () => {
    expect(folder('..')).toBe('untitled feed');
    expect(folder('')).toBe('untitled feed');
    expect(folder('CON')).toBe('_CON');
    expect(folder('nul.txt')).toBe('_nul.txt');
    expect(folder('.hidden. ')).toBe('hidden');
    expect(folder('a\u202egpj.exe')).toBe('agpj.exe');
    expect(folder('a\u0000b\tc\ud800d')).toBe('ab cd');
    expect(folder('\u200d\u200c')).toBe('untitled feed');
    expect(file({ extension: '../x' })).toMatch(/\.bin$/);
  });

  const nasty = fc.array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        '/',
        '..',
        '\\',
        '\u202e',
        '\ud800',
        'CON',
        'e\u0301',
        '漢',
        '👩‍👩‍👧',
        ' ',
        '.',
        '\n',
      ),
      fc.string({ unit: 'grapheme', minLength: 50, maxLength: 300 }),
    ),
    { maxLength: 8 },
  );
  const title = nasty.map((parts) => parts.join(''));
  const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(episodeIdFrom);
  const published = fc.option(fc.double({ noDefaultInfinity: false }));
  const view = fc.record({
    feedTitle: title,
    episodeTitle: title,
    publishedMs: published,
    episodeId: id,
    extension: fc.oneof(fc.constant('txt'), fc.string()),
  });

  const templateOf = (text: string) => {
    const read = parseNameTemplate(text);
    if (!read.ok) throw new Error(read.error);
    return read.value;
  };
  const anyTemplate = fc
    .constantFrom(
      DEFAULT_NAME_TEMPLATE,
      '{id}.{ext}',
      '{feed}/{year}/{title}/{id}.{ext}',
      '{title}{feed}{id}.{ext}',
      '{feed} - {title} - {date} ({id}).{ext}',
      '{title}/{title}{title} {id}.{ext}',
    )
    .map(templateOf);

  it('follows the template that the settings have', () => {
    expect(viewPath(name, templateOf('{year}/{feed}/{title} {id}.{ext}'))).toBe(
      'podcasts/2024/The Feed/First- a start- abcdefgh.mp3',
    );
  });

  it('cuts a title between what a reader sees as characters', () => {
    const family = '👩‍👩‍👧';
    const { length } = Buffer.from(family);
    const cut = folder(family.repeat(50)) ?? '';
    expect(cut).toBe(family.repeat(Math.floor(199 / length)));
    expect(folder('e\u0301\u0323'.repeat(300))).toMatch(/^(?:ẹ́)+$/u);
  });

  it.each([
    ['{title}.{ext}', 'no {id}'],
    ['{feed}/{id}', 'does not end with'],
    ['../{id}.{ext}', 'dot'],
    ['/{id}.{ext}', 'empty'],
    ['{feed} /{id}.{ext}', 'space'],
    ['{id}:{title}.{ext}', 'no file name'],
    ['{name} {id}.{ext}', '{name} is no field'],
    ['{a/{id}.{ext}', 'no file name'],
    ['a/b/c/d/{id}.{ext}', 'folders'],
    [`${'x'.repeat(61)}{id}.{ext}`, '60'],
  ])('refuses the template %s', (text, why) => {
    const read = parseNameTemplate(text);
    expect(read.ok ? '' : read.error).toContain(why);
  });

  it('never escapes its folder and fits every file system, whatever a feed says', () => {
    fc.assert(
      fc.property(view, anyTemplate, (any, template) => {
        const parts = viewPath(any, template).split('/');
        expect(parts).toHaveLength(template.folders.length + 2);
        for (const part of parts) {
          const bytes = Buffer.from(part, 'utf8');
          expect(bytes.length).toBeGreaterThan(0);
          expect(bytes.length).toBeLessThanOrEqual(200);
          expect(bytes.toString('utf8')).toBe(part);
          expect(part).toBe(part.normalize('NFC'));
          expect(part).not.toMatch(/^[.\s]|[.\s]$/u);
          expect(part).not.toMatch(
            /[\\<>:"|?*\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u,
          );
          expect(part).not.toMatch(/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('never is the same for two episodes, not even where case is ignored', () => {
    fc.assert(
      fc.property(view, id, anyTemplate, (one, other, template) => {
        fc.pre(one.episodeId.slice(0, 8) !== other.slice(0, 8));
        const first = viewPath(one, template).toLowerCase();
        const second = viewPath({ ...one, episodeId: other }, template).toLowerCase();
        expect(second).not.toBe(first);
      }),
    );
  });

  it('tells the same day as the calendar', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }), (ms) => {
        const day = new Date(ms).toISOString().slice(0, 10);
        expect(file({ publishedMs: ms })).toMatch(new RegExp(`^${day} - `));
      }),
    );
  });
});
