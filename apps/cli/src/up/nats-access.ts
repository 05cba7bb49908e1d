import { readFile } from 'node:fs/promises';
import { openAuthority } from '@podctl/platform/authority/authority.ts';
import type { NatsAccess } from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { CommandError, EXIT } from '../command-error.ts';

/**
 * The NATS that the settings name, for who runs on a coordinator's machine; null when they name none. As the user that
 * they name, else as one of the fleet's own keys where they are, else as nobody. Rejects with CommandError.
 */
export async function natsAccess({ nats, security }: Settings): Promise<NatsAccess | null> {
  const { servers, user, passwordFile, caFile } = nats;
  if (servers === null) return null;
  const ca = caFile === null ? null : await textIn(caFile, 'nats.caFile', 'certificates');
  if (user !== null) {
    const password = passwordFile === null ? '' : await passwordIn(passwordFile);
    return { servers, as: { kind: 'password', user, password }, ca };
  }
  // Every `up` has keys; a server beside it that speaks no TLS does not know them.
  const knowsKeys = security.authorityIsNamed || servers.every((url) => url.startsWith('tls://'));
  const authority = knowsKeys ? await openAuthority(security.authorityFolder) : null;
  if (authority === null) return { servers, as: { kind: 'nobody' }, ca };
  const { folder } = authority;
  return { servers, as: { kind: 'authority', folder }, ca: ca ?? authority.ca.certPem };
}

/** Rejects with CommandError also when the settings name none. */
export async function requiredNats(settings: Settings): Promise<NatsAccess> {
  const access = await natsAccess(settings);
  if (access !== null) return access;
  throw new CommandError(
    EXIT.usage,
    'nats.url is not set; name the NATS server of the fleet in podctl.yaml, or run everything here with "podctl up"',
  );
}

async function passwordIn(path: string): Promise<string> {
  const password = (await textIn(path, 'nats.passwordFile', 'the password of NATS')).trim();
  if (password !== '') return password;
  throw new CommandError(EXIT.usage, `nats.passwordFile: ${path} is empty; expected a password`);
}

async function textIn(path: string, setting: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.usage,
      `${what} cannot be read: ${why}; set ${setting} to the file that holds it`,
      error,
    );
  }
}
