import { expect, test } from 'vitest';
import { skewOf, skewWarning } from './version-skew.ts';

test('versions are compared by their numbers, not their letters', () => {
  expect(skewOf('0.9.0', '0.10.0')).toBe('client-older');
  expect(skewOf('1.0.0', '0.10.3')).toBe('server-older');
  expect(skewOf('1.2.3', '1.2.3')).toBe('none');
  expect(skewOf('1.2.3', '1.2.3-rc.1')).toBe('unknown');
  expect(skewOf('1.2.3', 'a build')).toBe('unknown');
});

test('the warning says which one to bring to what, and nothing where nothing is to be done', () => {
  expect(skewWarning('0.9.0', '0.10.0')).toContain('bring this one to 0.10.0');
  expect(skewWarning('0.10.0', '0.9.0')).toContain('bring it to 0.10.0');
  expect(skewWarning('1.0.0', '1.0.0')).toBeNull();
});
