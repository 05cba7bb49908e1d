import { describe, expect, test } from 'vitest';
import { FUTURE_MS_MAX, parseFeedDate } from './date.ts';

const NOW_MS = Date.UTC(2026, 2, 20);
const iso = (text: string) => {
  const ms = parseFeedDate(text, NOW_MS);
  return ms === null ? null : new Date(ms).toISOString();
};

describe('a date of an item', () => {
  test.each([
    ['Tue, 17 Mar 2026 06:00:00 +0000', '2026-03-17T06:00:00.000Z'],
    ['Tue, 17 Mar 2026 06:00:00 GMT', '2026-03-17T06:00:00.000Z'],
    ['17 Mar 2026 06:00 EST', '2026-03-17T11:00:00.000Z'],
    ['Fri, 17 Mar 2026 06:00:00 -0330', '2026-03-17T09:30:00.000Z'],
    ['Tue,17 Mar 2026 06:00:00 +05:30', '2026-03-17T00:30:00.000Z'],
    ['Tuesday, 17 March 2026 6:05 PM PDT', '2026-03-18T01:05:00.000Z'],
    ['Tues, 3 Sept. 2024 12:00 am', '2024-09-03T00:00:00.000Z'],
    ['17-Mar-2026 06:00:00 UTC+2', '2026-03-17T04:00:00.000Z'],
    ['March 17th, 2026 06:00', '2026-03-17T06:00:00.000Z'],
    ['Tue Mar 17 06:00:00 2026', '2026-03-17T06:00:00.000Z'],
    ['Wed, 03 Apr 02 1500 GMT', '2002-04-03T15:00:00.000Z'],
    ['1 Jan 99 00:00:00 GMT', '1999-01-01T00:00:00.000Z'],
    ['2026-03-17T06:00:00.250Z', '2026-03-17T06:00:00.250Z'],
    ['2026-03-17T06:00:00+0200', '2026-03-17T04:00:00.000Z'],
    ['2026-03-17 06:00', '2026-03-17T06:00:00.000Z'],
    ['2026-03-17', '2026-03-17T00:00:00.000Z'],
    ['20260317T060530Z', '2026-03-17T06:05:30.000Z'],
    ['20260317T0605+0200', '2026-03-17T04:05:00.000Z'],
    ['29 Feb 2024 00:00:00 Z', '2024-02-29T00:00:00.000Z'],
    ['12 May 1938 20:00:00 GMT', '1938-05-12T20:00:00.000Z'],
  ])('%s is %s', (text, expected) => {
    expect(iso(text)).toBe(expected);
  });

  test('with an impossible time keeps its day', () => {
    expect(iso('Tue, 17 Mar 2026 34:00:00 GMT')).toBe('2026-03-17T00:00:00.000Z');
  });

  test.each([
    '',
    'soon',
    '17 Foo 2026',
    '31 Feb 2026 00:00:00 GMT',
    '29 Feb 2023 00:00:00 GMT',
    '0001-01-01T00:00:00Z',
    '2026-13-01',
    '1773727200',
    '20260317',
    '20261317T060000Z',
    'x'.repeat(5000),
  ])('%j is null', (text) => {
    expect(iso(text)).toBeNull();
  });

  test('in the near future is believed, in the far future not', () => {
    const near = new Date(NOW_MS + FUTURE_MS_MAX).toISOString();
    expect(iso(near)).toBe(near);
    expect(iso(new Date(NOW_MS + FUTURE_MS_MAX + 1).toISOString())).toBeNull();
    expect(iso('Mon, 01 Jan 2099 00:00:00 GMT')).toBeNull();
  });

  test('agrees with the platform on every day of four centuries', () => {
    for (let ms = Date.UTC(1900, 0, 1); ms < Date.UTC(2300, 0, 1); ms += 86_400_000) {
      const text = new Date(ms).toISOString();
      if (parseFeedDate(text, Date.UTC(2300, 0, 1)) !== ms) expect.fail(text);
    }
  });
});
