import { expect, test } from 'vitest';

/** Of a file that must be plain JavaScript, and so has no types. */
interface CompileCache {
  compileCacheFolder(env: NodeJS.ProcessEnv, uid: number, words: readonly string[]): string | null;
}

test('what is compiled is kept below the user’s own cache, and root keeps nothing of setting a machine up', async () => {
  const path = new URL('../bin/compile-cache.js', import.meta.url).href;
  const { compileCacheFolder } = (await import(path)) as CompileCache;
  const env = { XDG_CACHE_HOME: '/c' };
  expect(compileCacheFolder(env, 1000, ['agent', 'install'])).toBe('/c/podctl/compiled');
  expect(compileCacheFolder({}, 1000, [])).toMatch(/\/\.cache\/podctl\/compiled$/);
  expect(compileCacheFolder(env, 0, ['status'])).toBe('/c/podctl/compiled');
  expect(compileCacheFolder(env, 0, ['-q', 'agent', 'uninstall'])).toBeNull();
  expect(compileCacheFolder(env, 0, ['coordinator', 'init'])).toBeNull();
  expect(compileCacheFolder({ ...env, SUDO_UID: '1000' }, 0, ['status'])).toBeNull();
});
