import { shownPath } from '@podctl/domain/feed/secret-path.ts';

/**
 * The same text without what may be secret in its URLs: user names, passwords and queries (private feeds carry their
 * token there), and tokens in the path of an http one. Works on JSON text too, since neither a quote nor a backslash is part of a URL, and leaves it valid.
 */
export function withoutSecrets(text: string): string {
  if (!text.includes('://')) return text;
  return text
    .replace(/([a-z][a-z0-9+.-]{0,30}:\/\/)[^/?#\s"\\]*@/gi, '$1***@')
    .replace(/([a-z][a-z0-9+.-]{0,30}:\/\/[^\s"\\?#]*)\?[^\s"\\#]*/gi, '$1?***')
    .replace(
      /(https?:\/\/[^/?#\s"\\]*)(\/[^?#\s"\\]*)/gi,
      (_url, origin: string, path: string) => `${origin}${shownPath(path)}`,
    );
}
