import { behindTrackers } from './feed/tracking.ts';
import { err, ok, type Result } from './result.ts';

declare const hostNameBrand: unique symbol;
/** A podcast host as a URL names it: lower case, without a port; an IPv6 address in its brackets. */
export type HostName = string & { readonly [hostNameBrand]: true };

/** As DNS has it. */
export const HOST_NAME_LENGTH_MAX = 253;
const PATTERN = /^[a-z0-9_.:[\]-]{1,253}$/;

export function hostName(text: string): Result<HostName, string> {
  return PATTERN.test(text) ? ok(text as HostName) : err('is no name of a host');
}

/** The host that answers at a URL; null for what names none. All ports of a machine are one host. */
export function hostAt(url: URL): HostName | null {
  const name = hostName(url.hostname.replace(/\.$/, ''));
  return name.ok ? name.value : null;
}

/** The host that an enclosure most likely comes from: known tracking prefixes are looked through. Null for what is no URL. */
export function hostOfEnclosure(enclosureUrl: string): HostName | null {
  const url = URL.parse(enclosureUrl);
  return url === null ? null : hostAt(behindTrackers(url));
}

/** Reads it back; an error for what `hostInKey` does not write. */
export function hostFromKey(text: string): Result<HostName, string> {
  const decode = (_: string, hex: string) => String.fromCharCode(Number.parseInt(hex, 16));
  const host = hostName(text.replace(/=([0-9a-f]{2})/g, decode));
  return host.ok && hostInKey(host.value) === text ? host : err('is no host in a key');
}

/** For a key of a bucket, which allows few characters: the others as `=` and two hex digits. */
export function hostInKey(host: HostName): string {
  return host.replace(
    /[^a-z0-9-]/g,
    (character) => `=${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
