import type { HostName } from '@podctl/domain/host-name.ts';
import type { HostState } from '@podctl/domain/host-state.ts';
import type { EpisodeId } from '@podctl/domain/ids.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { HostMemories, type ThrottleCode, throttleCode } from './host-verdict.ts';

const host = 'cdn.example.org' as HostName;
const HOUR_MS = 3_600_000;
const struck = (strikes: number): HostState => ({
  ...{ strikes, limit: 1, coolingUntilMs: 0, sinceMs: 0, why: '' },
});

let memories: HostMemories;
let token: number;
beforeEach(() => {
  memories = new HostMemories();
  token = 0;
});

function sentAway(id: string, code: ThrottleCode, nowMs: number, state: HostState | null = null) {
  token += 1;
  return memories.sentAway(host, state, { episode: id as EpisodeId, token, code }, nowMs);
}

describe('who is to blame for an answer that asks for patience', () => {
  it('429 and 503 are the host’s word, however often, while nothing else comes from it', () => {
    for (let times = 1; times <= 20; times += 1)
      expect(sentAway('one', times % 2 ? 'http_429' : 'http_503', times * HOUR_MS)).toEqual({
        ...{ host: true, episode: false, times },
      });
  });

  it('an episode that is sent away again and again while others come fails by itself', () => {
    const blamed: boolean[] = [];
    for (let times = 1; times <= 5; times += 1) {
      blamed.push(sentAway('bad', 'http_503', times * HOUR_MS).episode);
      memories.served(host, null, times * HOUR_MS, times * HOUR_MS + 1);
    }
    expect(blamed).toEqual([false, false, false, true, true]);
    expect(sentAway('other', 'http_503', 9 * HOUR_MS).episode).toBe(false);
  });

  it('a 403 is the episode’s where the host served another one lately, and the host’s where not', () => {
    expect(sentAway('one', 'http_403', 0)).toMatchObject({ host: true, episode: false });
    memories.served(host, null, 0, 1_000);
    expect(sentAway('one', 'http_403', 2_000)).toMatchObject({ host: false, episode: true });
    expect(sentAway('one', 'http_403', HOUR_MS)).toMatchObject({ host: true, episode: false });
  });

  it('a host that answers 403 for ever costs the episode its attempts from the fourth strike on', () => {
    const blamed = [0, 1, 2, 3, 4].map(
      (strikes) => sentAway('one', 'http_403', HOUR_MS, struck(strikes)).episode,
    );
    expect(blamed).toEqual([false, false, false, true, true]);
  });

  it('the same question asked again is the same time', () => {
    const of = { episode: 'one' as EpisodeId, token: 5, code: 'http_429' } as const;
    expect(memories.sentAway(host, null, of, 0)).toEqual(memories.sentAway(host, null, of, 1));
  });
});

it('successes count towards more only when they began since the last strike', () => {
  const state = { ...struck(1), sinceMs: 1_000 };
  expect(memories.served(host, state, 500, 2_000)).toBe(0);
  expect(memories.served(host, state, 1_500, 2_000)).toBe(1);
  expect(memories.served(host, state, 1_500, 2_000)).toBe(2);
  memories.begin(host);
  expect(memories.served(host, state, 1_500, 2_000)).toBe(1);
  expect(memories.served(host, null, 1_500, 2_000)).toBe(0);
});

it('no other answer asks for patience', () => {
  expect(throttleCode('http_429')).toBe('http_429');
  for (const code of ['http_404', 'http_500', 'network', 'stalled', ''])
    expect(throttleCode(code)).toBeNull();
});
