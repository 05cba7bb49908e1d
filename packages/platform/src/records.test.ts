import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import { choicesOf } from '@podctl/domain/feed-record.ts';
import { expect, it } from 'vitest';
import { feedRecord } from './records.ts';

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

it('choices are read as they were written, and those of a newer version for what is known of them', () => {
  const choices = { ...NO_CHOICES, paused: true, labels: { topic: 'history' } };
  expect(decoded({ ...written, choices, removed: true })).toMatchObject({ choices, removed: true });
  expect(decoded({ ...written, choices: { paused: true, mood: 'new' } }).choices).toEqual({
    ...NO_CHOICES,
    paused: true,
  });
});

it('which audio of a feed stays is read as it was written, and a rule that nobody knows takes nothing away', () => {
  const of = (keepAudio: unknown) => decoded({ ...written, choices: { ...NO_CHOICES, keepAudio } });
  const days = { kind: 'days', days: 3 };
  expect(of(days).choices?.keepAudio).toEqual(days);
  expect(of({ kind: 'moons', moons: 2 }).choices?.keepAudio).toEqual({ kind: 'always' });
  expect(of(undefined).choices?.keepAudio).toBeUndefined();
});
