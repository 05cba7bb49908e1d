import { expect, test } from 'vitest';
import { compileCacheFolder } from './compile-cache.ts';

test('what is compiled is kept below the user’s own cache, and root keeps nothing', () => {
  expect(compileCacheFolder({ XDG_CACHE_HOME: '/c' }, 1000)).toBe('/c/podctl/compiled');
  expect(compileCacheFolder({}, 1000)).toMatch(/\/\.cache\/podctl\/compiled$/);
  expect(compileCacheFolder({ XDG_CACHE_HOME: '/c' }, 0)).toBeNull();
});
