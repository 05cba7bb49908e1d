import type { RateRule } from './rate-limit.ts';

/**
 * Connections over TLS of one address: a handshake costs us about a millisecond. A hundred machines behind one address may
 * start at once.
 */
export const HANDSHAKE_RATE: RateRule = { burst: 256, perSecond: 32, keysMax: 10_000 };
