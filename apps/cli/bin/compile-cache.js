import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * Where Node keeps what it compiled, for the next start of the same files. Below the user's own folder: whoever can write
 * there runs code as this user. Null where root sets a machine up, of which nothing may stay behind, and under sudo, where
 * the home may be somebody else's.
 *
 * @param {NodeJS.ProcessEnv} env
 * @param {number} uid
 * @param {readonly string[]} words of the command line
 * @returns {string | null}
 */
export function compileCacheFolder(env, uid, words) {
  const isSettingUp = words.some((word) => word === 'agent' || word === 'coordinator');
  if (uid === 0 && (isSettingUp || env.SUDO_UID !== undefined)) return null;
  const { XDG_CACHE_HOME: cache } = env;
  const base = cache === undefined || cache === '' ? join(homedir(), '.cache') : cache;
  return join(base, 'podctl', 'compiled');
}
