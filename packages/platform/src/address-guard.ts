import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector } from 'undici';
import { systemClock } from './clock.ts';
import { HostLookup, hostLookupLimits, type ResolveHost, systemResolve } from './host-lookup.ts';

/** What `dispatcher` answers for an address that may not be reached. It is permanent: trying again does not help. */
export class AddressRefused extends Error {
  readonly code = 'ADDRESS_REFUSED';
  constructor(host: string, address: string) {
    const where = host === address ? host : `${host} (${address})`;
    super(
      `${where} is not a public address; set network.allowPrivate to true if it may be reached`,
    );
    this.name = 'AddressRefused';
  }
}

/** NAT64's well-known prefix: the last 32 bits are the IPv4 address that is reached (RFC 6052). */
const NAT64_HEAD = [0x64, 0xff9b, 0, 0, 0, 0];

/** Whether an address is of the public internet. False for text that is no address. Ranges: IANA's special-purpose registries. */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false;
  const parsed = ipaddr.parse(address);
  if (!(parsed instanceof ipaddr.IPv6)) return parsed.range() === 'unicast';
  if (parsed.isIPv4MappedAddress()) return parsed.toIPv4Address().range() === 'unicast';
  const { parts } = parsed;
  if (NAT64_HEAD.every((part, i) => parts[i] === part)) {
    const [high = 0, low = 0] = parts.slice(6);
    const inner = new ipaddr.IPv4([high >> 8, high & 255, low >> 8, low & 255]);
    return inner.range() === 'unicast';
  }
  // Global unicast is 2000::/3 and nothing else; the deprecated ::a.b.c.d counts as unicast for the library.
  return parsed.range() === 'unicast' && ((parts[0] ?? 0) & 0xe000) === 0x2000;
}

export interface GuardOptions {
  readonly allowPrivate: boolean;
  readonly connectTimeoutMs: number;
  /** Connections to one host at a time. */
  readonly connectionsMax: number;
  /** How long a connection waits for the next request, whatever the host offers; absent: undici's own. */
  readonly keepAliveMsMax?: number;
  /** For tests: whom to ask for the addresses of a name. */
  readonly resolve?: ResolveHost;
}

/**
 * A dispatcher for undici that connects to public addresses only, whoever named them: a URL, a redirect, or a DNS
 * answer. The address that was checked is the one that is connected to, so a name cannot change its mind in between.
 * Proxies that the environment names are not used: with one, nobody here would see the address. A refusal rejects the
 * request with `AddressRefused`. Close it when done.
 */
export function guardedAgent(options: GuardOptions): Agent {
  const { allowPrivate, connectTimeoutMs, connectionsMax, keepAliveMsMax } = options;
  const resolve = options.resolve ?? systemResolve;
  const limits = hostLookupLimits(process.env.UV_THREADPOOL_SIZE);
  const names = new HostLookup({ ...limits, clock: systemClock, resolve });
  const isAllowed = (address: string) => allowPrivate || isPublicAddress(address);
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    lookup: lookupAllowed(names, isAllowed),
  });
  return new Agent({
    connections: connectionsMax,
    ...(keepAliveMsMax === undefined
      ? {}
      : { keepAliveTimeout: keepAliveMsMax, keepAliveMaxTimeout: keepAliveMsMax }),
    connect: (target, callback) => {
      // For an address in the URL itself no lookup is made.
      const host = target.hostname.replace(/^\[|\]$/g, '');
      if (!allowPrivate && isIP(host) !== 0 && !isPublicAddress(host))
        callback(new AddressRefused(host, host), null);
      else connect(target, callback);
    },
  });
}

/** Passes on the allowed ones of the answers; none left is a refusal. */
function lookupAllowed(names: HostLookup, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, { all, family }, callback) => {
    const wanted = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : (family ?? 0);
    names.find(hostname).then(
      (found) => {
        const allowed = found.filter(
          (one) => isAllowed(one.address) && (wanted === 0 || one.family === wanted),
        );
        const [first] = allowed;
        if (first === undefined)
          callback(new AddressRefused(hostname, found[0]?.address ?? 'no address'), []);
        else if (all === true) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}
