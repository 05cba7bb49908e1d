import { join } from 'node:path';
import { configFolder } from '../context/context-store.ts';
import type { RunProgram } from '../install/ports.ts';

/** The person who runs this, behind `sudo` too. */
export interface InvokingUser {
  readonly name: string;
  /** Of contexts. */
  readonly configFolder: string;
  /** Runs `act` so that the files that it makes are the person's. */
  as<T>(act: () => Promise<T>): Promise<T>;
}

const ASK_MS_MAX = 10_000;

/** Who is `root` only by sudo gets the context in the own home. */
export async function invokingUser(
  run: RunProgram,
  env: NodeJS.ProcessEnv = process.env,
): Promise<InvokingUser> {
  const { SUDO_USER: name } = env;
  const self = { name: 'you', configFolder: configFolder(env), as: asSelf };
  if (name === undefined || name === 'root' || process.getuid?.() !== 0) return self;
  const end = await run(['getent', 'passwd', name], { timeoutMs: ASK_MS_MAX });
  const fields = end.kind === 'ended' && end.code === 0 ? end.stdout.trim().split(':') : [];
  const [, , uid, gid, , home = ''] = fields;
  if (!/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '') || !home.startsWith('/')) return self;
  return {
    name,
    configFolder: join(home, '.config', 'podctl'),
    as: (act) => asUser(Number(uid), Number(gid), act),
  };
}

function asSelf<T>(act: () => Promise<T>): Promise<T> {
  return act();
}

/** With that user's rights in the file system: a link that somebody put there leads to nothing that is not theirs. */
async function asUser<T>(uid: number, gid: number, act: () => Promise<T>): Promise<T> {
  process.setegid?.(gid);
  process.seteuid?.(uid);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
  }
}
