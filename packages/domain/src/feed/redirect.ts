import { err, ok, type Result } from '../result.ts';

/** One request on the way to a feed. */
export interface FeedHop {
  /** Without credentials. */
  readonly url: URL;
  /** For basic authorization; null when the URL has none, or another host answers. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** The URL to keep from now on: where permanent redirects alone have led; null when nothing moved. */
  readonly movedTo: string | null;
}

/** Where a chain of redirects is. */
export interface RedirectChain {
  readonly hop: FeedHop;
  /** False once a temporary redirect was met: what follows it moves nothing. */
  readonly isPermanent: boolean;
  readonly visited: readonly string[];
}

export const REDIRECTS_MAX = 5;

export function firstHop(feedUrl: string): RedirectChain {
  const url = new URL(feedUrl);
  const credentials =
    url.username === '' && url.password === ''
      ? null
      : { username: unescaped(url.username), password: unescaped(url.password) };
  url.username = '';
  url.password = '';
  url.hash = '';
  return { hop: { url, credentials, movedTo: null }, isPermanent: true, visited: [url.href] };
}

export function isRedirect(status: number): boolean {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/**
 * The next hop, or why there is none. 301 and 308 move the feed, 302, 303 and 307 do not. Credentials go only to the
 * same host, never from https to http; those that a Location brings along are not used.
 */
export function followRedirect(
  chain: RedirectChain,
  status: number,
  location: string | null,
): Result<RedirectChain, string> {
  const from = chain.hop;
  const url = location === null ? null : URL.parse(location.trim(), from.url.href);
  if (url === null) return err(`the host redirects (${status}) without saying where to`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return err(`the host redirects to a ${url.protocol} URL; only http and https are followed`);
  }
  url.username = '';
  url.password = '';
  url.hash = '';
  if (chain.visited.includes(url.href)) return err('the host redirects in a circle');
  if (chain.visited.length > REDIRECTS_MAX) {
    return err(`the host redirects more than ${REDIRECTS_MAX} times`);
  }
  const credentials = maySeeCredentials(from.url, url) ? from.credentials : null;
  const isPermanent = chain.isPermanent && (status === 301 || status === 308);
  const movedTo = isPermanent ? withCredentials(url, credentials) : from.movedTo;
  return ok({
    hop: { url, credentials, movedTo },
    isPermanent,
    visited: [...chain.visited, url.href],
  });
}

/** The value of an Authorization header, from UTF-8 by RFC 7617. */
export function basicAuthorization(credentials: NonNullable<FeedHop['credentials']>): string {
  const bytes = new TextEncoder().encode(`${credentials.username}:${credentials.password}`);
  return `Basic ${btoa(String.fromCharCode(...bytes))}`;
}

/**
 * A URL that a feed gave, to be asked as the feed itself is: the user and password of `owner` go along to the same host,
 * and to no other; those that the feed wrote into it are not used.
 */
export function askedAs(owner: string, url: string): string {
  const { hop } = firstHop(owner);
  const to = new URL(url);
  to.username = '';
  to.password = '';
  return withCredentials(to, maySeeCredentials(hop.url, to) ? hop.credentials : null);
}

function maySeeCredentials(from: URL, to: URL): boolean {
  if (from.protocol === to.protocol) return from.host === to.host;
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:';
  return isUpgrade && from.hostname === to.hostname && from.port === '' && to.port === '';
}

function withCredentials(url: URL, credentials: FeedHop['credentials']): string {
  if (credentials === null) return url.href;
  const whole = new URL(url.href);
  whole.username = credentials.username;
  whole.password = credentials.password;
  return whole.href;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
