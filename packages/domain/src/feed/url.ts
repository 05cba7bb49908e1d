import { err, ok, type Result } from '../result.ts';
import { shownPath } from './secret-path.ts';

const URL_LENGTH_MAX = 4096;
/** Of a URL as it is kept: escaped, each character may become nine; beside the base it is relative to. */
export const URL_HREF_LENGTH_MAX = 2 * 9 * URL_LENGTH_MAX;

/**
 * An http or https URL as real feeds write it: spaces around it, line breaks inside, `&amp;` escaped twice,
 * relative or protocol-relative to `base`. Null when it is none.
 */
export function httpUrl(text: string, base: string | null): URL | null {
  const cleaned = text.trim().replace(/&amp;/gi, '&');
  if (cleaned === '' || cleaned.length > URL_LENGTH_MAX) return null;
  const url = URL.parse(cleaned, base ?? undefined);
  return url !== null && isHttp(url) && url.hostname !== '' ? url : null;
}

/**
 * The one form of a feed's URL, so that adding it twice adds it once: scheme and host in lower case, no default
 * port, no fragment; `feed:`, `itpc:`, `pcast:` and `podcast:` mean http, a bare host means https.
 * Credentials and query are kept: they belong to the fetch. The error never quotes the URL, which may hold a secret.
 */
export function normalizeFeedUrl(text: string, base: string | null = null): Result<string, string> {
  const url = httpUrl(withHttpScheme(text.trim()), base);
  if (url === null) {
    return err('this is not the URL of a feed: give one that begins with http:// or https://');
  }
  url.hash = '';
  return ok(url.href);
}

/** The URL as it may be shown, logged and exported: without user, password, query, fragment, and tokens in the path. */
export function withoutSecrets(text: string): string {
  const url = URL.parse(text.trim());
  if (url === null || !isHttp(url)) return '(not an http URL)';
  return `${url.origin}${shownPath(url.pathname)}`;
}

function isHttp(url: URL): boolean {
  return url.protocol === 'http:' || url.protocol === 'https:';
}

function withHttpScheme(text: string): string {
  const scheme = /^(?:feed|itpc|pcast|podcast):(?:\/\/)?(.*)$/is.exec(text);
  if (scheme !== null) {
    const rest = scheme[1] ?? '';
    return /^https?:/i.test(rest) ? rest : `http://${rest}`;
  }
  return /^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?::\d+)?\//i.test(text)
    ? `https://${text}`
    : text;
}
