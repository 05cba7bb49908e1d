import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeEpisode, EPISODE_VALUE_BYTES_MAX, encodeEpisode } from './episode-codec.ts';
import { type Move, move } from './episode-move.ts';
import {
  type EpisodeState,
  FRESH_LOCK,
  type Lock,
  newEpisode,
  type StageState,
} from './episode-state.ts';
import {
  type AgentId,
  clusterIdFrom,
  type Epoch,
  nonceFrom,
  type SessionId,
  type Token,
} from './ids.ts';
import type { ManifestRef } from './manifest.ts';

const ten = fc.uint8Array({ minLength: 10, maxLength: 10 });
const clusters = ten.map(clusterIdFrom);
const nonces = ten.map(nonceFrom);
const agents = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/).map((s) => s as AgentId);
const counts = fc.maxSafeNat();
const revisions = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const texts = fc.string({ unit: 'binary', maxLength: 40 });
const tries = { failures: counts, lostBy: fc.array(agents, { maxLength: 4 }) };
const manifests: fc.Arbitrary<ManifestRef> = fc.record(
  {
    sha256: fc.stringMatching(/^[0-9a-f]{64}$/),
    files: counts,
    bytes: counts,
    audioSeconds: fc.option(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
    ),
    quality: fc.double({ min: 0, max: 1, noNaN: true }).map((n) => n + 0),
  },
  { requiredKeys: ['sha256', 'files', 'bytes', 'audioSeconds'] },
);
const holding = {
  ...tries,
  run: counts,
  token: revisions.map((n) => n as Token),
  agent: agents,
  session: revisions.map((n) => n as SessionId),
  epoch: revisions.map((n) => n as Epoch),
  nonce: nonces,
  sinceMs: counts,
};
const locks: fc.Arbitrary<Lock> = fc.oneof(
  fc.constant(FRESH_LOCK),
  fc.record({
    state: fc.constant('free' as const),
    ...tries,
    notBeforeMs: counts,
    reason: fc.option(texts),
  }),
  fc.record({ state: fc.constant('held' as const), ...holding }),
  fc.record({ state: fc.constant('committed' as const), ...holding, manifest: manifests }),
  fc.record({ state: fc.constant('dead' as const), ...tries, run: counts, reason: texts }),
  fc.record({
    ...{ state: fc.constant('dead' as const), ...tries, run: counts, reason: texts },
    ended: fc.constantFrom('skipped' as const, 'canceled' as const),
  }),
);
const result = { run: counts, token: holding.token, manifest: manifests };
const stages: fc.Arbitrary<StageState> = fc.record(
  {
    wanted: counts,
    requests: fc.array(texts, { maxLength: 8 }),
    lock: locks,
    wish: fc.record({ run: counts, model: texts }),
    done: fc.option(
      fc.oneof(
        fc.record(
          { ...result, audio: fc.constantFrom('going' as const, 'gone' as const) },
          { requiredKeys: ['run', 'token', 'manifest'] },
        ),
        fc.record({ ...result, purged: fc.constant(true as const) }),
      ),
    ),
  },
  { requiredKeys: ['wanted', 'requests', 'lock', 'done'] },
);
const states: fc.Arbitrary<EpisodeState> = fc.record({
  cluster: clusters,
  nonce: nonces,
  stages: fc.record({ download: stages, transcribe: stages }),
});

const cluster = clusterIdFrom(new Uint8Array(10));
const nonce = nonceFrom(new Uint8Array(10).fill(255));
const limits = {
  failuresMax: 5,
  lossesMax: 3,
  backoffFirstMs: 60_000,
  backoffMaxMs: 1_800_000,
};
const nowMs = 1_790_000_000_000;
const token = 123_456_789 as Token;
const manifest: ManifestRef = {
  sha256: 'ab'.repeat(32),
  files: 4,
  bytes: 87_654_321,
  audioSeconds: 5_432.1,
};

function step(state: EpisodeState, stage: 'download' | 'transcribe', next: Move): EpisodeState {
  const moved = move(state, stage, next, nonce, limits);
  if (!moved.ok) throw new Error(moved.error);
  return moved.value;
}

function assigned(state: EpisodeState, stage: 'download' | 'transcribe'): EpisodeState {
  const holder = {
    cluster,
    token,
    agent: 'gpu-host-12' as AgentId,
    session: 123_400_000 as SessionId,
    epoch: 123_000_000 as Epoch,
    nowMs,
  };
  return step(state, stage, { kind: 'assign', holder });
}

const bytes = (state: EpisodeState) => new TextEncoder().encode(encodeEpisode(state)).length;

describe('the value of an episode', () => {
  it('is read back as it was written, whatever the state', () => {
    fc.assert(
      fc.property(states, (state) => {
        expect(decodeEpisode(encodeEpisode(state))).toEqual({ ok: true, value: state });
      }),
      { numRuns: 500 },
    );
  });

  it('says of a dead one whether somebody did not want it; a number of a newer version says nothing', () => {
    const fresh = newEpisode(cluster, nonce, 'poll');
    const dead = step(fresh, 'download', { kind: 'skip', reason: 'x' });
    const text = encodeEpisode(dead);
    expect(text).toContain('["x",1,0,[],"x",1]');
    const read = (code: string) => {
      const state = decodeEpisode(text.replace('"x",1]', `"x"${code}]`));
      if (!state.ok) throw new Error(state.error);
      const { lock } = state.value.stages.download;
      return lock.state === 'dead' ? lock.ended : lock.state;
    };
    expect(['', ',1', ',2', ',3'].map(read)).toEqual([undefined, 'skipped', 'canceled', undefined]);
  });

  it('of before transcripts were judged has no quality, and one that is none is refused', () => {
    const done = (quality: string) =>
      `{"v":1,"c":"${cluster}","n":"${nonce}","d":[1,[],0,0],"t":[1,[],0,[1,7,["${'ab'.repeat(32)}",4,10,60${quality}]]]}`;
    const quality = (text: string) => {
      const state = decodeEpisode(text);
      return state.ok ? state.value.stages.transcribe.done?.manifest.quality : state.error;
    };
    expect(quality(done(''))).toBeUndefined();
    expect(quality(done(',0.93'))).toBe(0.93);
    expect(quality(done(',1.5'))).toContain('1.5 is no quality');
    expect(quality(done(',"x"'))).toContain('is no quality');
  });

  it('is small: a million of them are tailed by every coordinator', () => {
    const fresh = newEpisode(cluster, nonce, 'poll');
    const held = assigned(fresh, 'download');
    let done = fresh;
    for (const stage of ['download', 'transcribe'] as const) {
      done = step(assigned(done, stage), stage, { kind: 'commit', token, manifest });
      done = step(done, stage, { kind: 'publish', token });
    }
    const sizes = { fresh: bytes(fresh), held: bytes(held), done: bytes(done) };
    console.info('bytes of an episode:', sizes);
    expect(sizes.fresh).toBeLessThanOrEqual(150);
    expect(sizes.held).toBeLessThanOrEqual(250);
    expect(sizes.done).toBeLessThanOrEqual(350);
  });

  it('can be read back after any end of an attempt that the wire lets an agent tell', () => {
    const held = assigned(newEpisode(cluster, nonce, 'poll'), 'download');
    const end = fc.record({
      kind: fc.constant('failed' as const),
      reason: fc.string({ unit: 'binary', maxLength: 4_000 }),
      retryAfterMs: fc.option(fc.maxSafeNat()),
      final: fc.boolean(),
    });
    fc.assert(
      fc.property(end, fc.double({ min: 0, max: 0.999, noNaN: true }), (failed, random) => {
        const after = step(held, 'download', { kind: 'revoke', token, end: failed, nowMs, random });
        expect(decodeEpisode(encodeEpisode(after))).toEqual({ ok: true, value: after });
      }),
      { numRuns: 300 },
    );
  });

  it('stays within its limit with the longest words that the wire lets an agent say', () => {
    let state = newEpisode(cluster, nonce, 'poll');
    for (const stage of ['download', 'transcribe'] as const) {
      const end = {
        kind: 'failed' as const,
        reason: '\u{1F399}'.repeat(2_000),
        retryAfterMs: null,
        final: true,
      };
      const dead = step(assigned(newEpisode(cluster, nonce, 'poll'), 'download'), 'download', {
        kind: 'revoke',
        token,
        end,
        nowMs,
        random: 0.5,
      });
      state = { ...state, stages: { ...state.stages, [stage]: dead.stages.download } };
    }
    expect(bytes(state)).toBeLessThanOrEqual(EPISODE_VALUE_BYTES_MAX);
  });
});

describe('a value that is damaged, hostile, or of another version', () => {
  const json = fc.json({ maxDepth: 4 });

  it('is refused with a sentence, never thrown at', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), json), (text) => {
        const decoded = decodeEpisode(text);
        expect(decoded.ok).toBe(false);
        if (!decoded.ok) expect(decoded.error).not.toBe('');
      }),
      { numRuns: 500 },
    );
  });

  it('with one part of it replaced is refused, or is another state that reads back the same', () => {
    fc.assert(
      fc.property(states, fc.nat(), fc.jsonValue({ maxDepth: 2 }), (state, place, junk) => {
        const value: unknown = JSON.parse(encodeEpisode(state));
        const places = placesOf(value);
        places[place % places.length]?.(junk);
        const decoded = decodeEpisode(JSON.stringify(value));
        if (!decoded.ok) return;
        expect(decodeEpisode(encodeEpisode(decoded.value))).toEqual(decoded);
        expect(['free', 'held', 'committed', 'dead']).toContain(
          decoded.value.stages.download.lock.state,
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('cut short anywhere is refused', () => {
    const text = encodeEpisode(assigned(newEpisode(cluster, nonce, 'poll'), 'download'));
    for (let length = 0; length < text.length; length += 1)
      expect(decodeEpisode(text.slice(0, length))).toMatchObject({ ok: false });
    expect(decodeEpisode(text)).toMatchObject({ ok: true });
  });

  it('of a newer version is refused by its version', () => {
    const text = encodeEpisode(newEpisode(cluster, nonce, 'poll')).replace('"v":1', '"v":2');
    expect(decodeEpisode(text)).toEqual({ ok: false, error: 'version 2 is not 1' });
  });

  it('cannot reach a prototype', () => {
    const good = encodeEpisode(newEpisode(cluster, nonce, 'poll'));
    for (const text of [
      `{"__proto__":${good}}`,
      `{"constructor":{"prototype":${good}}}`,
      good.replace('"d":', '"__proto__":'),
    ])
      expect(decodeEpisode(text), text).toMatchObject({ ok: false });
    const decoded = decodeEpisode(good.replace('{', '{"__proto__":{"polluted":true},'));
    expect(decoded).toEqual(decodeEpisode(good));
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('that is huge is refused, and the refusal is short enough to log', () => {
    const long = 'x'.repeat(5_000_000);
    const held = JSON.parse(
      encodeEpisode(assigned(newEpisode(cluster, nonce, 'poll'), 'download')),
    ) as Record<string, unknown[]>;
    const [wanted, requests, lock] = held.d ?? [];
    for (const text of [
      '['.repeat(1_000_000),
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
      long,
      JSON.stringify({ ...held, c: long }),
      JSON.stringify({ ...held, v: long }),
      JSON.stringify({ ...held, d: [long, requests, lock, 0] }),
      JSON.stringify({ ...held, d: [wanted, requests, [long], 0] }),
    ]) {
      const decoded = decodeEpisode(text);
      expect(decoded.ok).toBe(false);
      if (!decoded.ok) expect(decoded.error.length).toBeLessThanOrEqual(500);
    }
  });

  it('with a number, id or hash that cannot be is refused', () => {
    const text = encodeEpisode(assigned(newEpisode(cluster, nonce, 'poll'), 'download'));
    const refused = (from: string, to: string) => {
      expect(text).toContain(from);
      expect(decodeEpisode(text.replace(from, to)), to).toMatchObject({ ok: false });
    };
    for (const count of ['-1', '0.5', '1e400', '9007199254740992', 'null', '"1"', 'true'])
      for (const place of ['"d":[1,', '["h",1,']) refused(place, place.replace('1,', `${count},`));
    for (const id of ['0', '-1', '1.5']) refused('["h",1,123456789,', `["h",1,${id},`);
    for (const agent of ['a.b', '*', '', 'A', 'a'.repeat(49)]) refused('gpu-host-12', agent);
    const done = step(
      step(assigned(newEpisode(cluster, nonce, 'poll'), 'download'), 'download', {
        kind: 'commit',
        token,
        manifest,
      }),
      'download',
      { kind: 'publish', token },
    );
    const sound = encodeEpisode(done);
    for (const [from, to] of [
      [manifest.sha256, 'AB'.repeat(32)],
      [manifest.sha256, 'ab'.repeat(31)],
      ['5432.1', '-1'],
      ['5432.1', '"1"'],
    ] as const)
      expect(decodeEpisode(sound.replace(from, to)), to).toMatchObject({ ok: false });
  });

  it('with a fresh-looking lock of a wrong kind is refused', () => {
    const value = JSON.parse(encodeEpisode(newEpisode(cluster, nonce, 'poll'))) as {
      d: unknown[];
    };
    for (const lock of [null, 1, '', [], ['h'], ['c', 1], ['z'], {}, true]) {
      value.d[2] = lock;
      expect(decodeEpisode(JSON.stringify(value)), JSON.stringify(lock)).toMatchObject({
        ok: false,
      });
    }
  });
});

describe('a wish for a run', () => {
  const again = { kind: 'request', request: 'again', model: 'large-v3' } as const;

  it('stands beside the stages, where a version that knows no wishes passes over it', () => {
    const fresh = newEpisode(cluster, nonce, 'poll');
    const wished = encodeEpisode(step(fresh, 'transcribe', again));
    const { w, ...known } = JSON.parse(wished);
    expect(w).toEqual({ t: [2, 'large-v3'] });
    const { model, ...plain } = again;
    expect(JSON.stringify(known)).toBe(encodeEpisode(step(fresh, 'transcribe', plain)));
    expect(model).toBe('large-v3');
  });

  it('that is none is refused', () => {
    const fresh = JSON.parse(encodeEpisode(newEpisode(cluster, nonce, 'poll')));
    for (const w of [{ t: 'large' }, { t: [1] }, { t: [-1, 'large'] }, { t: [1, 2] }])
      expect(decodeEpisode(JSON.stringify({ ...fresh, w }))).toMatchObject({ ok: false });
  });
});

/** A setter for every place of a JSON value below its root. */
function placesOf(value: unknown): ((junk: unknown) => void)[] {
  if (typeof value !== 'object' || value === null) return [];
  const holder = value as Record<string, unknown>;
  return Object.keys(holder).flatMap((key) => [
    (junk: unknown) => {
      holder[key] = junk;
    },
    ...placesOf(holder[key]),
  ]);
}
