import { describe, expect, test } from 'vitest';
import { archiveEntries, archiveSteps } from './archive.ts';

const entriesOf = (...paths: readonly string[]) => {
  const { entries, others } = archiveEntries(paths.map((path) => ({ path, sizeBytes: 1 })));
  return {
    entries: entries.map(({ folders, stem, audio, transcripts, json }) => ({
      ...{ folders: folders.join('/'), stem, audio: audio?.path ?? null },
      texts: Object.values(transcripts).map(({ path }) => path),
      json: json.map(({ path }) => path),
    })),
    others: others.map(({ path }) => path),
  };
};

describe('an archive', () => {
  test('as the replaced system left it: audio and text of one name, in the folder of the feed', () => {
    expect(entriesOf('A Feed/One.txt', 'A Feed/One.mp3', 'A Feed/Two.mp3', 'B/One.mp3')).toEqual({
      entries: [
        {
          folders: 'A Feed',
          stem: 'One',
          audio: 'A Feed/One.mp3',
          texts: ['A Feed/One.txt'],
          json: [],
        },
        { folders: 'A Feed', stem: 'Two', audio: 'A Feed/Two.mp3', texts: [], json: [] },
        { folders: 'B', stem: 'One', audio: 'B/One.mp3', texts: [], json: [] },
      ],
      others: [],
    });
  });

  test('takes texts of another ending or language to their audio, and metadata of the only one', () => {
    const { entries } = entriesOf(
      'F/a. b.mp3',
      'F/a. b.mp3.txt',
      'F/a. b.en.vtt',
      'F/metadata.json',
    );
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({
      stem: 'a. b',
      texts: ['F/a. b.mp3.txt', 'F/a. b.en.vtt'],
      json: ['F/metadata.json'],
    });
  });

  test('takes no translation for the transcript: the one without a language, or the only one', () => {
    const of = (...names: readonly string[]) => {
      const paths = ['One.ogg', ...names].map((name) => `F/${name}`);
      const { entries, others } = archiveEntries(paths.map((path) => ({ path, sizeBytes: 1 })));
      const [entry] = entries;
      const texts = Object.values(entry?.transcripts ?? {}).map(({ path }) => path);
      return [texts, entry?.language ?? null, others.map(({ path }) => path)];
    };
    expect(of('One.de.txt', 'One.txt')).toEqual([['F/One.txt'], null, ['F/One.de.txt']]);
    expect(of('One.de.srt', 'One.en.srt')).toEqual([[], null, ['F/One.de.srt', 'F/One.en.srt']]);
    expect(of('One.en.srt', 'One.en.txt')).toEqual([['F/One.en.srt', 'F/One.en.txt'], 'en', []]);
    expect(of('One.ogg.txt')).toEqual([['F/One.ogg.txt'], null, []]);
  });

  test('keeps a text without audio as an entry, and lists covers and second files as others', () => {
    expect(entriesOf('F/x.txt', 'F/y.mp3', 'F/y.m4a', 'F/cover.jpg', 'F/.hidden.mp3')).toEqual({
      entries: [
        { folders: 'F', stem: 'y', audio: 'F/y.m4a', texts: [], json: [] },
        { folders: 'F', stem: 'x', audio: null, texts: ['F/x.txt'], json: [] },
      ],
      others: ['F/y.mp3', 'F/cover.jpg'],
    });
  });
});

test('a large archive is put together in slices, in the order of its paths', () => {
  const paths = Array.from({ length: 9_000 }, (_, n) => `F${n % 2}/${(n * 7_919) % 9_000}.mp3`);
  const steps = archiveSteps(paths.map((path) => ({ path, sizeBytes: 1 })));
  let slices = 0;
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) slices += 1;
  expect(slices).toBeGreaterThan(30);
  expect(step.value.entries.map(({ audio }) => audio?.path)).toEqual(paths.toSorted());
});
