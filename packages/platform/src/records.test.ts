import { NO_FILTER } from '@podctl/domain/feed/episode-filter.ts';
import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import { expect, it } from 'vitest';
import { episodeMeta, feedRecord } from './records.ts';

const written = {
  ...{
    cluster: 'c'.repeat(16),
    nonce: 'n'.repeat(16),
    feed: 'alpha',
    url: 'https://pods.example/',
  },
  ...{ title: null, addedMs: 0, bookScore: null, generation: 0, etag: null, lastModified: null },
  ...{ lastSuccessMs: null, failures: 0, nextPollMs: 0, problem: null, listed: 0 },
};
const decoded = (record: object) => {
  const read = feedRecord.decode(new TextEncoder().encode(JSON.stringify(record)));
  if (!read.ok) throw new Error(read.error);
  return read.value;
};

it('a feed that was written before there were choices is read as one without any', () => {
  expect(choicesOf(decoded(written))).toEqual(NO_CHOICES);
  expect(decoded(written).removed ?? false).toBe(false);
});

it('a purge is read as it was written, and a record of before there were any has none', () => {
  const of = { sinceMs: 5, results: 2, files: 5, bytes: 7 };
  const purge = { state: 'wanted', cluster: 'd'.repeat(16), ...of };
  expect(decoded({ ...written, removed: true, purge })).toMatchObject({ removed: true, purge });
  expect(decoded({ ...written, removed: true })).not.toHaveProperty('purge');
});

it('choices are read as they were written, and those of a newer version for what is known of them', () => {
  const choices = { ...NO_CHOICES, paused: true, labels: { topic: 'history' } };
  expect(decoded({ ...written, choices, removed: true })).toMatchObject({ choices, removed: true });
  expect(decoded({ ...written, choices: { paused: true, mood: 'new' } }).choices).toEqual({
    ...NO_CHOICES,
    paused: true,
  });
});

it('what polls taught is read as it was written; of a newer version, or damaged, it is learned again', () => {
  const polling = {
    ...{ lastMs: 5, came: 'new', fresh: 2, why: 'so', fullMs: 5, newMs: 4, arrivalGapMs: 1.5 },
    rhythm: { gapMs: 7, newestMs: -1, everyMs: null, isComplete: false },
    fallbackAgent: true,
  };
  expect(decoded({ ...written, polling }).polling).toEqual(polling);
  expect(decoded(written).polling).toBeUndefined();
  for (const damaged of [{ ...polling, came: 'asleep' }, 7, null, {}])
    expect(decoded({ ...written, polling: damaged })).toMatchObject({ feed: 'alpha' });
  expect(decoded({ ...written, polling: { lastMs: 5, came: 'failed' } }).polling).toEqual({
    ...{ lastMs: 5, came: 'failed', fresh: 0, why: '', fullMs: null, newMs: null },
    ...{ arrivalGapMs: null, rhythm: null, fallbackAgent: false },
  });
});
it('where a document broke off is read as it was written, and readings of before that have none', () => {
  const reading = { atMs: 1, items: 2, pages: 1, problems: [] };
  expect(decoded({ ...written, reading }).reading).toEqual(reading);
  const brokeOff = { mark: 'm', sinceMs: 7 };
  expect(decoded({ ...written, reading: { ...reading, brokeOff } }).reading?.brokeOff).toEqual(
    brokeOff,
  );
});
it('a feed of before its readings were kept has none; kinds of problems that are not known are mild ones', () => {
  expect(decoded(written).reading).toBeUndefined();
  const reading = {
    atMs: 1,
    items: 2,
    pages: 1,
    problems: [{ kind: 'new', message: 'm', count: 1 }],
  };
  expect(decoded({ ...written, reading }).reading).toEqual({
    ...reading,
    problems: [{ kind: 'repaired', message: 'm', count: 1, place: null }],
  });
});

it('a feed of before there were ledgers has none, and a filter is read for what is known of it', () => {
  expect(decoded(written).ledger).toBeUndefined();
  const counts = { known: 3, listed: 2, vanished: 1, replaced: 0, audioChanged: 0, filtered: 1 };
  const ledger = { ...counts, digest: 'd', filter: 'f' };
  expect(decoded({ ...written, ledger }).ledger).toEqual(ledger);
  const choices = { filter: { titleSkip: 'rerun', mood: 'new' }, prompt: 'Brontë' };
  expect(decoded({ ...written, choices }).choices).toEqual({
    ...NO_CHOICES,
    ...{ prompt: 'Brontë', filter: { ...NO_FILTER, titleSkip: 'rerun' } },
  });
});

it('what is kept of an episode is read as it was written, with and without what its feed says beside', () => {
  const old = { key: 'k', url: 'https://a.test/1.mp3', feedTitle: 'F', title: 'T', guid: null };
  const plain = { ...old, publishedMs: null, durationSecondsEstimate: null };
  const beside = {
    ...{ season: 2, episodeNumber: 3, episodeType: 'trailer' as const, isExplicit: false },
    transcripts: [{ url: 'https://a.test/1.srt', type: null, language: 'en' }],
    persons: [{ name: 'Ann', role: 'host' }],
    chaptersUrl: 'https://a.test/1.json',
  };
  for (const meta of [plain, { ...plain, ...beside }])
    expect(episodeMeta.decode(episodeMeta.encode(meta))).toEqual({ ok: true, value: meta });
});

it('which audio of a feed stays is read as it was written, and a rule that nobody knows takes nothing away', () => {
  const of = (keepAudio: unknown) => decoded({ ...written, choices: { ...NO_CHOICES, keepAudio } });
  const days = { kind: 'days', days: 3 };
  expect(of(days).choices?.keepAudio).toEqual(days);
  expect(of({ kind: 'moons', moons: 2 }).choices?.keepAudio).toEqual({ kind: 'always' });
  expect(of(undefined).choices?.keepAudio).toBeUndefined();
});
