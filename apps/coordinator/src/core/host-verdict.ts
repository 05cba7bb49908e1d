import type { HostName } from '@podctl/domain/host-name.ts';
import { type HostState, isThrottled } from '@podctl/domain/host-state.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';

/** Answers by which a host asks for patience, as agents name them. */
export type ThrottleCode = 'http_429' | 'http_503' | 'http_403';
export const THROTTLE_CODES: readonly ThrottleCode[] = ['http_429', 'http_503', 'http_403'];

export function throttleCode(code: string): ThrottleCode | null {
  return THROTTLE_CODES.find((known) => known === code) ?? null;
}

/** Whose it is: the host's word to all of us, the episode's own failure, or both. */
export interface ThrottleBlame {
  readonly host: boolean;
  readonly episode: boolean;
  /** How often in this reign the episode was sent away. */
  readonly times: number;
}

/** A host that served us so lately does not shut us out: its 403 is of that one URL. */
const SERVED_LATELY_MS = 10 * 60_000;
/** Strikes of a host from which on a 403 is a failure of the episode as well: one URL alone must not go round for ever. */
const FORBIDDEN_STRIKES_MAX = 3;
/** An episode that is sent away so often, while others of its host come, fails by itself. */
const SENT_AWAY_MAX = 3;
const HOSTS_MAX = 10_000;
const EPISODES_MAX = 10_000;

interface HostMemory {
  successes: number;
  servedMs: number;
  /** Of downloads that began since the last strike. */
  towardsRise: number;
}

interface EpisodeMemory {
  times: number;
  /** Times between which others of the host came. */
  alone: number;
  /** The host's successes when it was last sent away. */
  successes: number;
  token: number;
}

/**
 * What a leader remembers of hosts beside their records: enough to tell a host that sends all of us away from one URL that it
 * will never serve. It ends with the reign: what is counted then begins anew, and the limits on failures stand in the key.
 */
export class HostMemories {
  readonly #hosts = new Map<HostName, HostMemory>();
  readonly #episodes = new Map<EpisodeId, EpisodeMemory>();

  /** A download came. Gives how many that began since the host's last strike did in a row. */
  served(host: HostName, state: HostState | null, startedMs: number, nowMs: number): number {
    const memory = this.#host(host);
    memory.successes += 1;
    memory.servedMs = nowMs;
    if (!isThrottled(state, nowMs) || startedMs <= state.sinceMs) return 0;
    memory.towardsRise += 1;
    return memory.towardsRise;
  }

  /** The count of successes in a row begins anew. */
  begin(host: HostName): void {
    this.#host(host).towardsRise = 0;
  }

  /** The host sent a download away; asked again with the same token, it is the same time. */
  sentAway(
    host: HostName,
    state: HostState | null,
    { episode, token, code }: { episode: EpisodeId; token: number; code: ThrottleCode },
    nowMs: number,
  ): ThrottleBlame {
    const memory = this.#host(host);
    const { times, alone } = this.#episode(episode, token, memory.successes);
    if (code === 'http_403') {
      if (nowMs - memory.servedMs < SERVED_LATELY_MS) return { host: false, episode: true, times };
      return { host: true, episode: (state?.strikes ?? 0) >= FORBIDDEN_STRIKES_MAX, times };
    }
    return { host: true, episode: alone >= SENT_AWAY_MAX, times };
  }

  #episode(episode: EpisodeId, token: number, successes: number): EpisodeMemory {
    const before = this.#episodes.get(episode);
    if (before?.token === token) return before;
    const after = {
      times: (before?.times ?? 0) + 1,
      alone: (before?.alone ?? 0) + Number(before !== undefined && successes > before.successes),
      ...{ successes, token },
    };
    remember(this.#episodes, episode, after, EPISODES_MAX);
    return after;
  }

  #host(host: HostName): HostMemory {
    const known = this.#hosts.get(host) ?? {
      ...{ successes: 0, servedMs: Number.NEGATIVE_INFINITY, towardsRise: 0 },
    };
    remember(this.#hosts, host, known, HOSTS_MAX);
    return known;
  }
}

/** The newest are kept. */
function remember<K, V>(map: Map<K, V>, key: K, value: V, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
