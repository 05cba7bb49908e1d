import { err, ok, type Result } from './result.ts';

/**
 * What lets one machine in, as text: `pj1.<base64url of url>.<ca sha256>.<id>.<secret>`. With the fingerprint of the
 * fleet's CA inside, the joiner knows whom it talks to before it sends the secret.
 */
export interface JoinToken {
  /** `https://host:port` of a coordinator. */
  readonly url: string;
  /** Of the CA's certificate in DER, lower-case hex. */
  readonly caSha256: string;
  readonly id: string;
  readonly secret: string;
}

const VERSION = 'pj1';
const TEXT_LENGTH_MAX = 1_000;
const urlPattern = /^https:\/\/(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):([1-9][0-9]{0,4})$/;
const PORT_MAX = 65_535;
const parts = {
  ca: /^[0-9a-f]{64}$/,
  id: /^[a-z2-7]{16}$/,
  secret: /^[a-z2-7]{32}$/,
};

export const isTokenId = (text: string) => parts.id.test(text);
export const isTokenSecret = (text: string) => parts.secret.test(text);

export function formatJoinToken({ url, caSha256, id, secret }: JoinToken): string {
  return [VERSION, base64Url(url), caSha256, id, secret].join('.');
}

/** From what a person pasted; the error never repeats it, since a secret may be in it. */
export function parseJoinToken(text: string): Result<JoinToken, string> {
  const trimmed = text.trim();
  if (trimmed === '') return err('it is empty');
  if (trimmed.length > TEXT_LENGTH_MAX) return err('it is too long');
  const [version = '', place = '', caSha256 = '', id = '', secret = '', ...more] =
    trimmed.split('.');
  if (version !== VERSION)
    return err(
      `it does not begin with "${VERSION}.": it is no join token, or one of another version`,
    );
  const url = fromBase64Url(place);
  const whole =
    more.length === 0 &&
    parts.ca.test(caSha256) &&
    parts.id.test(id) &&
    parts.secret.test(secret) &&
    url !== null &&
    isPlace(url);
  if (!whole) return err('a part of it is missing or was changed: copy the whole of it');
  return ok({ url, caSha256, id, secret });
}

function isPlace(url: string): boolean {
  const port = urlPattern.exec(url)?.[1];
  return port !== undefined && Number(port) <= PORT_MAX;
}

/** Of ASCII. */
function base64Url(text: string): string {
  return btoa(text).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}

function fromBase64Url(text: string): string | null {
  if (!/^[A-Za-z0-9_-]{4,600}$/.test(text)) return null;
  try {
    return atob(text.replace(/-/g, '+').replace(/_/g, '/'));
  } catch {
    return null;
  }
}
