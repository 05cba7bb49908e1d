import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { archiveEntries } from './archive.ts';
import { candidateOf } from './candidate.ts';
import { type KnownEpisode, matchEpisodes } from './match.ts';
import { readSidecar } from './sidecar.ts';

const NOW = Date.UTC(2026, 0, 1);
const day = (text: string) => Date.parse(`${text}T08:00:00Z`);

function episode(id: string, title: string, more: Partial<KnownEpisode> = {}): KnownEpisode {
  return { id, key: `guid-${id}`, title, publishedMs: null, durationSeconds: null, ...more };
}

function match(
  path: string,
  episodes: readonly KnownEpisode[],
  seconds: number | null = null,
  json = '',
) {
  const [entry] = archiveEntries([{ path, sizeBytes: 1 }]).entries;
  if (entry === undefined) throw new Error('no entry');
  const candidate = candidateOf(entry, readSidecar(json, NOW), seconds, NOW);
  const [found] = matchEpisodes([candidate], episodes);
  return found?.kind === 'matched' ? `${found.episode} by ${found.by}` : found?.reason;
}

describe('a file is matched', () => {
  test('by its title, though it was made a file name', () => {
    const episodes = [episode('a', 'Q&A: “What now?” / Part 1'), episode('b', 'Часть первая')];
    expect(match('F/Q&A_ _What now__ _ Part 1.mp3', episodes)).toBe('a by title');
    expect(match('F/часть  первая.mp3', episodes)).toBe('b by title');
    expect(match('F/2024-03-01 - Часть первая.mp3', episodes)).toBe('b by title');
    expect(match('F/F - Часть первая.mp3', episodes)).toBe('b by title');
  });

  test('by GUID before anything else, and by the id that our own names say', () => {
    const episodes = [episode('abcdefgh23', 'One'), episode('b', 'Two')];
    expect(match('F/Two.mp3', episodes, null, '{"guid":"guid-abcdefgh23"}')).toBe(
      'abcdefgh23 by guid',
    );
    expect(match('F/2024-03-01 - Two [abcdefgh].mp3', episodes)).toBe('abcdefgh23 by id');
  });

  test('by a GUID that was written without its secrets, where only one episode has it so', () => {
    const signed = (id: string) => `https://cdn.example/1.mp3?sig=${id}`;
    const episodes = ['a', 'b'].map((id) => episode(id, id, { key: signed(id) }));
    const json = '{"guid":"https://cdn.example/1.mp3"}';
    expect(match('F/x.mp3', episodes.slice(0, 1), null, json)).toBe('a by guid');
    expect(match('F/x.mp3', episodes, null, json)).not.toMatch(/by guid/);
  });

  test('by date or length among episodes of one title, and never by chance', () => {
    const weekly = [
      episode('a', 'News', { publishedMs: day('2024-03-01'), durationSeconds: 600 }),
      episode('b', 'News', { publishedMs: day('2024-03-08'), durationSeconds: 1_800 }),
      episode('c', 'News', { publishedMs: day('2024-03-15'), durationSeconds: 1_810 }),
    ];
    expect(match('F/2024-03-08 News.mp3', weekly)).toBe('b by title and date');
    expect(match('F/News.mp3', weekly, 605)).toBe('a by title and length');
    expect(match('F/News.mp3', weekly, 1_805)).toMatch(/3 episodes have its title/);
    expect(match('F/News.mp3', weekly)).toMatch(/neither its date nor its length tells which/);
  });

  test('by a title that was cut off, when one begins so', () => {
    const long = 'On the very long and winding history of clocks, and who made them';
    expect(match(`F/${long.slice(0, 50)}.mp3`, [episode('a', long), episode('b', 'On')])).toBe(
      'a by title',
    );
    const both = [episode('a', `${long}, 1`), episode('b', `${long}, 2`)];
    expect(match(`F/${long}.mp3`, both)).toMatch(/2 episodes have its title/);
    expect(match('F/On the.mp3', [episode('a', long)])).toMatch(/no episode of the feed/);
  });

  test('not by a title alone when the length is of something else', () => {
    const known = [episode('a', 'Trailer', { durationSeconds: 60 })];
    expect(match('F/Trailer.mp3', known, 3_600)).toMatch(/3600 s long, .* \(a\) 60 s/);
    expect(match('F/Trailer.mp3', known, 90)).toBe('a by title');
  });

  test('by date and exact length when the title was edited', () => {
    const known = [
      episode('a', 'New title', { publishedMs: day('2024-03-01'), durationSeconds: 600 }),
    ];
    expect(match('F/2024-03-01 Old title.mp3', known, 602)).toBe('a by date and length');
    expect(match('F/2024-03-01 Old title.mp3', known, 660)).toMatch(/no episode of the feed/);
  });

  test('not when its day is another, unless the length is the very same: shows repeat their titles', () => {
    const known = [
      episode('a', 'Listener mail', { publishedMs: day('2023-06-01'), durationSeconds: 1_800 }),
    ];
    expect(match('F/2012-06-01 Listener mail.mp3', known, 1_850)).toBe(
      'it is of 2012-06-01, and the episode of its title (a) of 2023-06-01',
    );
    expect(match('F/2012-06-01 Listener mail.mp3', known)).toMatch(/it is of 2012-06-01/);
    expect(match('F/2012-06-01 Listener mail.mp3', known, 1_801)).toBe('a by title');
    const two = [...known, episode('b', 'Listener mail', { publishedMs: day('2022-06-01') })];
    expect(match('F/2012-06-01 Listener mail.mp3', two, 1_850)).toMatch(/2 episodes have/);
  });

  test('of a daily show by the very moment, where its metadata says it', () => {
    const at = (hour: string) => Date.parse(`${hour}:00Z`);
    const daily = ['2024-03-01T06:00', '2024-03-02T06:00', '2024-03-03T06:00'].map((hour, i) =>
      episode(`e${i}`, 'News', { publishedMs: at(hour) }),
    );
    const json = '{"title":"News","published":"2024-03-02T06:00:00Z"}';
    expect(match('F/x.mp3', daily, null, json)).toBe('e1 by title and date');
    expect(match('F/2024-03-02 News.mp3', daily)).toMatch(/3 episodes have its title/);
  });

  test.each([
    '012 - The war',
    '12. The war',
    '#12 The war',
    'Ep. 12 - The war',
    'S02E05 The war',
    'The war (2)',
    'The war - copy',
    '[12] The war',
  ])('by a title with a number about it, only where date or length agree: %s', (name) => {
    const known = [episode('a', 'The war', { durationSeconds: 600 }), episode('b', 'War')];
    expect(match(`F/${name}.mp3`, known, 605)).toBe('a by title');
    expect(match(`F/${name}.mp3`, known)).toMatch(/no episode of the feed has its title/);
  });

  test('by its own number, where the feed has it', () => {
    const known = [
      episode('a', 'The war', { durationSeconds: 600 }),
      episode('b', 'The war (2)', { durationSeconds: 610 }),
      episode('c', '1984', { durationSeconds: 600 }),
    ];
    expect(match('F/The war (2).mp3', known, 605)).toBe('b by title');
    expect(match('F/1984.mp3', known, 605)).toBe('c by title');
  });

  test.each([
    'F/20240301 One.mp3',
    'F/One - 2024-03-01.mp3',
    'F/One (2024-03-01).mp3',
    'F/[2024-03-01] One.mp3',
    'F/01.03.2024 One.mp3',
    'F/One_20240301.mp3',
  ])('by its day, wherever its name has it: %s', (path) => {
    const known = ['2024-03-01', '2024-03-08'].map((text) =>
      episode(text, 'One', { publishedMs: day(text) }),
    );
    expect(match(path, known)).toBe('2024-03-01 by title and date');
  });

  test('by its title, however emoji and marks are written', () => {
    expect(match('F/I ❤ radio.mp3', [episode('a', 'I ❤️ radio')])).toBe('a by title');
    expect(match('F/Cafe\u0301 1.mp3', [episode('a', 'Caf\u00e9 1️⃣')])).toBe('a by title');
  });

  test('in a time that does not grow with the episodes: 20,000 files that have none of 20,000', () => {
    const name = (i: number) => `The very long name of a show about clocks, part ${i}`;
    const episodes = Array.from({ length: 20_000 }, (_, i) =>
      episode(`${i}`.padStart(10, 'x'), name(i), { publishedMs: i * 86_400_000 }),
    );
    const files = Array.from({ length: 20_000 }, (_, i) => ({
      ...{ path: `${i}`, guid: null, idStart: 'aaaaaaaa', publishedMs: i * 86_400_000 },
      ...{ titles: [`${name(i)}: another`], durationSeconds: 60 },
    }));
    const daily = episodes.map((one) => ({ ...one, title: 'News' }));
    const news = files.map((one) => ({ ...one, idStart: null, titles: ['News'] }));
    const startMs = performance.now();
    const found = matchEpisodes(files, episodes);
    expect(found.every(({ kind }) => kind === 'unmatched')).toBe(true);
    const dated = matchEpisodes(news, daily);
    expect(dated.every(({ kind }) => kind === 'matched')).toBe(true);
    const undated = news.map((one) => ({ ...one, publishedMs: null }));
    expect(matchEpisodes(undated.slice(0, 500), daily)[0]).toMatchObject({
      reason: 'more than 100 episodes have its title, and its name says no day',
    });
    // Looking at each of the others took minutes.
    expect(performance.now() - startMs).toBeLessThan(5_000);
  });

  test('with one episode at most, the surest file first', () => {
    const [entry] = archiveEntries([{ path: 'F/One.mp3', sizeBytes: 1 }]).entries;
    if (entry === undefined) throw new Error('no entry');
    const byTitle = candidateOf(entry, null, null, NOW);
    const byGuid = { ...byTitle, path: 'G/x.mp3', titles: [], guid: 'guid-a' };
    const found = matchEpisodes([byTitle, byGuid], [episode('a', 'One')]);
    expect(found).toMatchObject([
      { kind: 'unmatched', reason: 'G/x.mp3 is taken for the same episode, a' },
      { kind: 'matched', by: 'guid' },
    ]);
  });
});

test('no two files are given one episode, and a title that one episode alone has finds it', () => {
  const title = fc.constantFrom('One', 'Two', 'Три', 'one!', 'Episode', '');
  const seconds = fc.option(fc.integer({ min: 1, max: 4_000 }));
  fc.assert(
    fc.property(
      fc.array(fc.record({ title, seconds }), { maxLength: 8 }),
      fc.array(fc.record({ title, seconds }), { maxLength: 8 }),
      (files, known) => {
        const episodes = known.map((one, i) =>
          episode(`e${i}`, one.title, { durationSeconds: one.seconds }),
        );
        const candidates = files.map((one, i) => ({
          ...{ path: `${i}`, guid: null, idStart: null, publishedMs: null },
          ...{ titles: [one.title], durationSeconds: one.seconds },
        }));
        const found = matchEpisodes(candidates, episodes);
        expect(found.map(({ path }) => path)).toEqual(candidates.map(({ path }) => path));
        const given = found.flatMap((one) => (one.kind === 'matched' ? [one.episode] : []));
        expect(new Set(given).size).toBe(given.length);
      },
    ),
    { numRuns: 200 },
  );
});
