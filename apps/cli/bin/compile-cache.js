import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where Node keeps what it compiled, for the next start of the same files. Below the user's own folder: whoever can write
 * there runs code as this user. Null for root, who installs and uninstalls: nothing must stay behind, and under sudo the
 * home may be somebody else's.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {number} uid
 * @returns {string | null}
 */
export function compileCacheFolder(env, uid) {
  if (uid === 0) return null;
  const { XDG_CACHE_HOME: cache } = env;
  const base = cache === undefined || cache === '' ? join(homedir(), '.cache') : cache;
  return join(base, 'podctl', 'compiled');
}
