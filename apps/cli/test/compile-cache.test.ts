import { expect, test } from 'vitest';

/** Of a file that must be plain JavaScript, and so has no types. */
interface CompileCache {
  compileCacheFolder(env: NodeJS.ProcessEnv, uid: number): string | null;
}

test('what is compiled is kept below the user’s own cache, and root keeps nothing', async () => {
  const path = new URL('../bin/compile-cache.js', import.meta.url).href;
  const { compileCacheFolder } = (await import(path)) as CompileCache;
  expect(compileCacheFolder({ XDG_CACHE_HOME: '/c' }, 1000)).toBe('/c/podctl/compiled');
  expect(compileCacheFolder({}, 1000)).toMatch(/\/\.cache\/podctl\/compiled$/);
  expect(compileCacheFolder({ XDG_CACHE_HOME: '/c' }, 0)).toBeNull();
});
