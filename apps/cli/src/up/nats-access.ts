import { readFile } from 'node:fs/promises';
import type { NatsAccess } from '@podctl/platform/bootstrap.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { CommandError, EXIT } from '../command-error.ts';

/** The NATS that the settings name, with its password read; null when they name none. Rejects with CommandError. */
export async function natsAccess({ nats }: Settings): Promise<NatsAccess | null> {
  const { servers, user, passwordFile } = nats;
  if (servers === null) return null;
  return { servers, user, password: passwordFile === null ? null : await passwordIn(passwordFile) };
}

async function passwordIn(path: string): Promise<string> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      EXIT.usage,
      `the password of NATS cannot be read: ${why}; put it into that file, or set nats.passwordFile to the one that holds it`,
      error,
    );
  }
  const password = text.trim();
  if (password !== '') return password;
  throw new CommandError(EXIT.usage, `nats.passwordFile: ${path} is empty; expected a password`);
}
