import { expect, test } from 'vitest';
import { parseShare } from './share-flag.ts';

test.each([
  ['0.5', 0.5],
  ['.25', 0.25],
  ['1', 1],
  ['1.0', 1],
])('%s is a share', (text, share) => {
  expect(parseShare(text, 'below')).toBe(share);
});

test.each(['0', '1.1', '50', '50%', '', '-0.5', '1e-1', 'half'])('%j is none', (text) => {
  expect(() => parseShare(text, 'below')).toThrow('--below is');
});
