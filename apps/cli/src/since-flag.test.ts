import { expect, test } from 'vitest';
import { parseSince } from './since-flag.ts';

const now = Date.UTC(2026, 2, 31, 12);
const since = (text: string) => parseSince(text, 'since', now).toISOString();

test('a time is given as how long ago, as a day, or as a time', () => {
  expect(since('90m')).toBe('2026-03-31T10:30:00.000Z');
  expect(since('30s')).toBe('2026-03-31T11:59:30.000Z');
  expect(since('7d')).toBe('2026-03-24T12:00:00.000Z');
  expect(since('99999w')).toBe('1970-01-01T00:00:00.000Z');
  expect(since('2w')).toBe('2026-03-17T12:00:00.000Z');
  expect(since('2026-03-01')).toBe('2026-03-01T00:00:00.000Z');
  expect(since('2026-03-01T10:00+01:00')).toBe('2026-03-01T09:00:00.000Z');
});

test('everything else is refused', () => {
  for (const text of ['', 'yesterday', '7', '7y', '2026-13-01', '2026-03-01 10:00', 'March'])
    expect(() => since(text)).toThrow(/is no time; give/);
});
