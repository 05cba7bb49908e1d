const GROUPS = 8;
/** What one household or host is given: who has one address of it has all. */
const GROUPS_KEPT = 4;

/**
 * Whom limits by address are counted for: an IPv4 address, or the /64 of an IPv6 one, since a host may take any in it.
 *
 * @param address as Node tells it; undefined when the connection has gone.
 */
export function peerOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  const [bare = ''] = address.split('%', 1);
  const [head = '', tail = ''] = bare.split('::', 2);
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = Math.max(0, GROUPS - before.length - after.length);
  const groups = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return `${groups.slice(0, GROUPS_KEPT).join(':')}::/64`;
}
