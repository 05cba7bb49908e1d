import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseSearchQuery } from '../core/search-query.ts';
import {
  type IndexedEpisode,
  type IndexSearch,
  OtherIndex,
  TranscriptIndexFile,
} from './transcript-index-file.ts';

const DAY_MS = 86_400_000;
const FIRST_MS = Date.UTC(2026, 0, 1);

let folder: string;
let path: string;
const open: TranscriptIndexFile[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'podctl-index-'));
  path = join(folder, 'search.sqlite');
});

afterEach(() => {
  for (const file of open.splice(0)) file.close();
  rmSync(folder, { recursive: true, force: true });
});

function index(cluster = 'one'): TranscriptIndexFile {
  const file = new TranscriptIndexFile(path, { kind: 'write', cluster });
  open.push(file);
  return file;
}

/** Published on the day of its number. */
function episode(
  n: number,
  texts: readonly string[],
  more: Partial<IndexedEpisode> = {},
): IndexedEpisode {
  const atMs = FIRST_MS + n * DAY_MS + 1_000;
  const passages = texts.map((text, i) => ({
    ...{ startMs: i * 45_000, text },
    marks: [{ at: 0, ms: i * 45_000 }],
  }));
  const of = { feed: 'alpha', episode: `e${n}`, run: 1, token: n + 1, title: `Part ${n}` };
  return { ...of, publishedMs: atMs, atMs, passages, ...more };
}

function search(file: TranscriptIndexFile, text: string, more: Partial<IndexSearch> = {}) {
  const query = parseSearchQuery(text);
  if (!query.ok) throw new Error(query.error);
  const all = { feed: null, sinceMs: null, limit: 100, after: null };
  return file.search({ query: query.value, ...all, ...more });
}

const names = (hits: ReturnType<typeof search>) => hits.map((hit) => hit.episode);

describe('searching', () => {
  test('finds passages newest day first, whatever the order they came in', () => {
    const file = index();
    file.put([episode(5, ['the clock']), episode(1, ['a clock']), episode(3, ['no time'])]);
    file.put([episode(4, ['two', 'clock there'])]);
    expect(names(search(file, 'clock'))).toEqual(['e5', 'e4', 'e1']);
    expect(search(file, 'there')[0]).toMatchObject({
      ...{ feed: 'alpha', title: 'Part 4', startMs: 45_000, token: 5 },
      markedText: 'clock \u0002there\u0003',
    });
  });

  test('narrows to a feed and to what was published since, to the millisecond', () => {
    const file = index();
    file.put([
      episode(1, ['clock']),
      episode(2, ['clock'], { feed: 'beta' }),
      episode(3, ['clock']),
    ]);
    expect(names(search(file, 'clock', { feed: 'alpha' }))).toEqual(['e3', 'e1']);
    expect(names(search(file, 'clock', { feed: 'gamma' }))).toEqual([]);
    const sinceMs = episode(2, []).atMs;
    expect(names(search(file, 'clock', { sinceMs }))).toEqual(['e3', 'e2']);
    expect(names(search(file, 'clock', { sinceMs: sinceMs + 1 }))).toEqual(['e3']);
    expect(names(search(file, 'clock', { sinceMs, feed: 'beta' }))).toEqual(['e2']);
  });

  test('goes on after a hit without giving one twice or none', () => {
    const file = index();
    file.put(
      Array.from({ length: 5 }, (_, n) => episode(n % 2, ['clock', 'clock'], { episode: `x${n}` })),
    );
    const seen: number[] = [];
    for (let after: number | null = null; ; ) {
      const page = search(file, 'clock', { after, limit: 3 });
      seen.push(...page.map(({ id }) => id));
      after = page.at(-1)?.id ?? null;
      if (after === null) break;
    }
    expect(seen).toEqual(search(file, 'clock').map(({ id }) => id));
    expect(new Set(seen).size).toBe(10);
  });

  test('sorts what has no date with the day it was transcribed, and takes any date', () => {
    const file = index();
    file.put([
      episode(1, ['clock']),
      episode(2, ['clock'], { publishedMs: null }),
      episode(3, ['clock'], { publishedMs: -1e15, atMs: -1e15 }),
      episode(4, ['clock'], { publishedMs: 8e15, atMs: 8e15 }),
    ]);
    expect(names(search(file, 'clock'))).toEqual(['e4', 'e2', 'e1', 'e3']);
    expect(search(file, 'clock')[1]?.publishedMs).toBeNull();
  });
});

describe('keeping it current', () => {
  test('a newer run replaces an older one, and an older one changes nothing', () => {
    const file = index();
    file.put([episode(1, ['first words', 'and more'])]);
    file.put([episode(1, ['second words'], { run: 2, token: 9 })]);
    expect(search(file, 'first')).toEqual([]);
    expect(names(search(file, 'second'))).toEqual(['e1']);
    file.put([episode(1, ['first words'])]);
    expect(search(file, 'first')).toEqual([]);
    expect(file.tokens(['e1', 'e2'])).toEqual([9, null]);
    expect(file.episodes()).toBe(1);
  });

  test('a removed episode is found no more, and leaves nothing behind', () => {
    const file = index();
    file.put([episode(1, ['clock']), episode(2, ['clock'])]);
    file.remove(['e1', 'unknown']);
    expect(names(search(file, 'clock'))).toEqual(['e2']);
    expect(file.names('', 10)).toEqual([{ feed: 'alpha', episode: 'e2', run: 1, token: 3 }]);
    const db = new DatabaseSync(path);
    // Compares the words with the texts; throws when they differ.
    db.exec("INSERT INTO passage_text (passage_text, rank) VALUES ('integrity-check', 1)");
    expect(db.prepare('SELECT count(*) AS n FROM passage').get()).toEqual({ n: 1 });
    db.close();
  });

  test('an episode without speech is known, and found by nothing', () => {
    const file = index();
    file.put([episode(1, [])]);
    expect(file.tokens(['e1'])).toEqual([2]);
  });
});

describe('the file', () => {
  test('is kept from one opening to the next', () => {
    index().put([episode(1, ['clock'])]);
    open.splice(0)[0]?.close();
    expect(names(search(index(), 'clock'))).toEqual(['e1']);
  });

  test('can be read while it is written', () => {
    const writer = index();
    const reader = new TranscriptIndexFile(path, { kind: 'read' });
    open.push(reader);
    writer.put([episode(1, ['clock'])]);
    expect(names(search(reader, 'clock'))).toEqual(['e1']);
  });

  test('of another cluster or version is refused', () => {
    index('one');
    expect(() => index('two')).toThrow(OtherIndex);
    const db = new DatabaseSync(path);
    db.exec('UPDATE about SET schema_version = 0');
    db.close();
    expect(() => index('one')).toThrow(OtherIndex);
  });

  test('that is no database is refused', () => {
    writeFileSync(path, 'not a database, but long enough to be read as one '.repeat(100));
    expect(() => index()).toThrow(/not a database/);
  });
});
