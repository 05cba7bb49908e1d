import { expect, test } from 'vitest';
import { sortedBy } from './sorting.ts';

const items = [
  { id: 'b', token: '9', dead: 2, at: null, in: { x: 1 } },
  { id: 'a', token: '10', dead: 0, at: '2026-01-02T00:00:00.000Z', in: { x: 3 } },
  { id: 'c', token: '', dead: 11, at: '2026-01-01T00:00:00.000Z', in: { x: 2 } },
];
const ids = (spec: string) => {
  const sorted = sortedBy(items, spec);
  return sorted.ok ? sorted.value.map(({ id }) => id).join('') : sorted.error;
};

test('numbers, numbers in text, words and nested fields each come in their own order', () => {
  expect(ids('dead')).toBe('abc');
  expect(ids('-dead')).toBe('cba');
  expect(ids('token')).toBe('bac');
  expect(ids('ID')).toBe('abc');
  expect(ids('in.x')).toBe('bca');
});

test('what is absent comes last, also in reverse', () => {
  expect(ids('at')).toBe('cab');
  expect(ids('-at')).toBe('acb');
});

test('an unknown field is refused with the one that was meant, an empty list with nothing', () => {
  expect(ids('daed')).toContain('did you mean dead?');
  expect(ids('colour-of-it')).toContain('choose one of id, token');
  expect(sortedBy([], 'anything')).toEqual({ ok: true, value: [] });
});
