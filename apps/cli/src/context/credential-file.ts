import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { CommandError, EXIT } from '../command-error.ts';
import { whyNotRead } from '../file-error.ts';

const BYTES_MAX = 64 * 1024;
const tokenPattern = /^pu1\.[a-z0-9-]{1,48}\.[a-z2-7]{16,64}$/;

/** PEM certificates of what is trusted. Throws CommandError (usage). */
export function readCaFile(path: string): string {
  const text = readSmallFile(path, 'the CA certificate');
  try {
    new X509Certificate(text);
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${path} holds no certificate in PEM form; name the fleet's ca.crt with --ca-file`,
      error,
    );
  }
  // A key lying in the same file is nobody's business here.
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).join(
    '\n',
  );
}

/** @param from in words, e.g. `PODCTL_TOKEN_FILE`. Throws CommandError (usage). */
export function readTokenFile(path: string, from: string): string {
  return bearerToken(readSmallFile(path, `the token of ${from}`), path);
}

/** From what somebody pasted or a file holds; what is wrong with it never repeats it. Throws CommandError (usage). */
export function bearerToken(text: string, from: string): string {
  const token = text.trim();
  if (tokenPattern.test(token)) return token;
  const seen = token === '' ? 'is empty' : 'holds something else than one whole token';
  throw new CommandError(
    EXIT.usage,
    `${from} ${seen}; expected a line that begins with "pu1.", as "podctl user create" prints it`,
  );
}

/** A token that somebody pipes in or pastes. Rejects with CommandError (usage). */
export async function readTokenFromStdin(): Promise<string> {
  let text = '';
  for await (const piece of process.stdin.setEncoding('utf8')) {
    text += piece;
    if (text.length > BYTES_MAX) break;
  }
  return bearerToken(text, 'stdin');
}

function readSmallFile(path: string, what: string): string {
  try {
    // A device or a huge file named by mistake is not read to its end.
    if (statSync(path).size > BYTES_MAX) throw new Error('it is far too large');
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new CommandError(
      EXIT.usage,
      `${what} cannot be read: ${whyNotRead(path, error)}; name a file that this user may read`,
      error,
    );
  }
}
