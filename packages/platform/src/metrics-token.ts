import { readFile } from 'node:fs/promises';
import { SettingsError } from './config/settings-error.ts';

/** From the file that `security.metricsTokenFile` names; null: none is asked for. Rejects with SettingsError. */
export async function metricsToken(path: string | null): Promise<string | null> {
  if (path === null) return null;
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    const why = error instanceof Error ? error.message : String(error);
    throw new SettingsError(`security.metricsTokenFile cannot be read: ${why}`, error);
  });
  const token = text.trim();
  if (/^[\x21-\x7e]{16,4096}$/.test(token)) return token;
  throw new SettingsError(
    `security.metricsTokenFile: ${path} should hold one line of 16 characters or more, without spaces`,
  );
}
