import { whyNotExpirable } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { newEpisode } from '@podctl/domain/episode-state.ts';
import type { EpisodeId, FeedId, Token } from '@podctl/domain/ids.ts';
import type { KeepAudio } from '@podctl/domain/keep-audio.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLUSTER, episodeOf, NONCE } from '../../../../test/support/hand-built-fleet.ts';
import { expiredAudio, type KeptAudio, mayExpire } from './retention.ts';

const DAY_MS = 86_400_000;
const NOW_MS = 1_000 * DAY_MS;
const manifest = { sha256: 'a'.repeat(64), files: 2, bytes: 9, audioSeconds: 1 };

function state(transcribed: boolean, token = 5): EpisodeState {
  const { stages, ...of } = newEpisode(CLUSTER, NONCE, 'poll');
  const done = { run: 1, token: token as Token, manifest };
  const transcribe = { ...stages.transcribe, done: transcribed ? done : null };
  return { ...of, stages: { ...stages, download: { ...stages.download, done }, transcribe } };
}

function kept(
  n: number,
  days: { published?: number; age?: number },
  transcribed = true,
): KeptAudio {
  const publishedMs = days.published === undefined ? null : days.published * DAY_MS;
  const downloadedMs = days.age === undefined ? null : NOW_MS - days.age * DAY_MS;
  const episode = episodeOf('alpha' as FeedId, n);
  return { episode, state: state(transcribed, 5 + n), publishedMs, downloadedMs };
}

const ids = (...numbers: readonly number[]) =>
  numbers.map((n): EpisodeId => episodeOf('alpha' as FeedId, n));

describe('audio may go', () => {
  it('never under always, and as soon as it is transcribed under untilTranscribed', () => {
    const audio = [kept(0, {}), kept(1, {}, false)];
    expect(expiredAudio({ kind: 'always' }, audio, NOW_MS)).toEqual([]);
    expect(expiredAudio({ kind: 'untilTranscribed' }, audio, NOW_MS)).toEqual(ids(0));
  });

  it('so many days after its download, and never when nobody knows when that was', () => {
    const audio = [
      kept(0, { age: 31 }),
      kept(1, { age: 29 }),
      kept(2, {}),
      kept(3, { age: 99 }, false),
    ];
    expect(expiredAudio({ kind: 'days', days: 30 }, audio, NOW_MS)).toEqual(ids(0));
  });

  it('when so many newer ones of its feed are there, by their dates, undated ones first', () => {
    const audio = [
      ...[kept(0, { published: 3 }), kept(1, {}), kept(2, { published: 9 })],
      ...[kept(3, { published: 5 }), kept(4, { published: 1 }, false)],
    ];
    expect(expiredAudio({ kind: 'count', count: 2 }, audio, NOW_MS)).toEqual(ids(0, 1));
  });

  it('of what somebody skipped under days and count, and of what failed under none', () => {
    const waiting = state(false);
    const { stages } = waiting;
    const lock = { state: 'dead', run: 1, failures: 5, lostBy: [], reason: 'no' } as const;
    const dead = { ...waiting, stages: { ...stages, transcribe: { ...stages.transcribe, lock } } };
    const by = { ...lock, ended: 'skipped' } as const;
    const skipped = {
      ...waiting,
      stages: { ...stages, transcribe: { ...stages.transcribe, lock: by } },
    };
    expect(mayExpire({ kind: 'days', days: 1 }, skipped)).toBe(true);
    expect(mayExpire({ kind: 'untilTranscribed' }, skipped)).toBe(false);
    expect(mayExpire({ kind: 'days', days: 1 }, dead)).toBe(false);
  });

  it('never while anybody still needs it, whatever the rule and the order', () => {
    const rules = fc.constantFrom<KeepAudio>(
      ...[{ kind: 'always' } as const, { kind: 'untilTranscribed' } as const],
      ...[{ kind: 'days', days: 1 } as const, { kind: 'count', count: 1 } as const],
    );
    const days = fc.option(fc.integer({ min: 0, max: 50 }), { nil: undefined });
    const one = fc.record({ published: days, age: days, transcribed: fc.boolean() });
    fc.assert(
      fc.property(rules, fc.array(one, { maxLength: 8 }), (keep, list) => {
        const audio = list.map(({ published, age, transcribed }, n) =>
          kept(
            n,
            {
              ...(published === undefined ? {} : { published }),
              ...(age === undefined ? {} : { age }),
            },
            transcribed,
          ),
        );
        const expired = new Set(expiredAudio(keep, audio, NOW_MS));
        for (const { episode, state: of } of audio) {
          if (!expired.has(episode)) continue;
          expect(whyNotExpirable(of, 'download')).toBeNull();
          expect(of.stages.transcribe.done).not.toBeNull();
        }
        const backwards = new Set(expiredAudio(keep, [...audio].reverse(), NOW_MS));
        expect(backwards).toEqual(expired);
        if (keep.kind === 'count')
          expect(expired.size).toBeLessThanOrEqual(Math.max(0, audio.length - 1));
      }),
      { numRuns: 200 },
    );
  });
});
