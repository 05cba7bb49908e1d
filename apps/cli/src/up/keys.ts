import {
  type Authority,
  AuthorityError,
  ensureAuthority,
} from '@podctl/platform/authority/authority.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { dataFolderError } from './data-folder.ts';

/** The fleet's keys, made if they are not there; also where nothing listens beyond this machine: whoever opens it later finds the same fleet. Rejects with CommandError. */
export async function keysOf({ security }: Settings): Promise<Authority> {
  try {
    return await ensureAuthority(security.authorityFolder, Date.now());
  } catch (error) {
    if (error instanceof AuthorityError) throw new CommandError(EXIT.failed, error.message, error);
    throw dataFolderError(security.authorityFolder, error);
  }
}
