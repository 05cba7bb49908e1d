import { type Move, move } from '@podctl/domain/episode-move.ts';
import { type EpisodeState, newEpisode } from '@podctl/domain/episode-state.ts';
import type { FeedRecord } from '@podctl/domain/feed-record.ts';
import type { AgentId, Epoch, FeedId, SessionId, Token } from '@podctl/domain/ids.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { describe, expect, it } from 'vitest';
import {
  CLUSTER,
  episodeOf,
  HandBuiltFleet,
  NONCE,
} from '../../../../test/support/hand-built-fleet.ts';
import { eventsOfEpisode, eventsOfFeed, eventsOfSession, type FleetEvent } from './event.ts';
import type { EpisodeRow, SessionRow } from './snapshot.ts';

const feed = 'alpha' as FeedId;
const agent = 'a1' as AgentId;
const episode = episodeOf(feed, 0);
const clock = new ManualClock();
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);
const limits = { failuresMax: 2, lossesMax: 2, backoffFirstMs: 0, backoffMaxMs: 0 };

/** An episode as it goes from move to move, and the events that each one tells. */
class Story {
  row: EpisodeRow = { feed, episode, revision: 1, state: newEpisode(CLUSTER, NONCE, 'poll') };

  step(stage: Stage, step: Move, nowMs = 0): FleetEvent[] {
    const moved = move(this.row.state, stage, step, NONCE, limits);
    if (!moved.ok) throw new Error(moved.error);
    return this.become(moved.value, nowMs);
  }

  become(state: EpisodeState, nowMs = 0): FleetEvent[] {
    const before = this.row;
    this.row = { ...before, revision: before.revision + 1, state };
    return eventsOfEpisode(before, this.row, nowMs);
  }

  assign(stage: Stage, by = agent, nowMs = 0): FleetEvent[] {
    const token = this.row.revision as Token;
    const holder = {
      cluster: CLUSTER,
      token,
      agent: by,
      session: 3 as SessionId,
      epoch: 1 as Epoch,
      nowMs,
    };
    return this.step(stage, { kind: 'assign', holder });
  }

  token(stage: Stage): Token {
    const { lock } = this.row.state.stages[stage];
    if (lock.state !== 'held' && lock.state !== 'committed') throw new Error('nobody holds it');
    return lock.token;
  }

  revoke(stage: Stage, end: (Move & { kind: 'revoke' })['end']): FleetEvent[] {
    const token = this.token(stage);
    return this.step(stage, { kind: 'revoke', token, end, nowMs: 0, random: 0 });
  }

  commit(stage: Stage, bytes: number, audioSeconds: number | null, nowMs = 0): FleetEvent[] {
    const manifest = { sha256: '0'.repeat(64), files: 1, bytes, audioSeconds };
    return this.step(stage, { kind: 'commit', token: this.token(stage), manifest }, nowMs);
  }

  skip(stage: Stage): FleetEvent[] {
    return this.step(stage, { kind: 'skip', reason: 'never' });
  }

  publish(stage: Stage, nowMs: number): FleetEvent[] {
    return this.step(stage, { kind: 'publish', token: this.token(stage) }, nowMs);
  }
}

const failed = { kind: 'failed', reason: 'HTTP 503', retryAfterMs: null, final: false } as const;
const returned = { kind: 'returned', reason: 'a1 said goodbye', retryAfterMs: null } as const;
const told = (events: readonly FleetEvent[]) => events.map(({ type, message }) => [type, message]);

describe('what the change of an episode tells', () => {
  it('a new episode tells nothing: its feed does', () => {
    const story = new Story();
    expect(eventsOfEpisode(null, story.row, 0)).toEqual([]);
    story.assign('download');
    expect(eventsOfEpisode(null, story.row, 0)).toEqual([]);
  });

  it('an assignment, with its attempt: failures and losses before it are counted', () => {
    const story = new Story();
    const event = { type: 'job_assigned', feed, episode, stage: 'download', agent };
    expect(story.assign('download')).toEqual([{ ...event, message: 'attempt 1' }]);
    expect(story.become(structuredClone(story.row.state))).toEqual([]);
    story.revoke('download', failed);
    expect(told(story.assign('download'))).toEqual([['job_assigned', 'attempt 2']]);
    story.revoke('download', { kind: 'lost' });
    expect(told(story.assign('download'))).toEqual([['job_assigned', 'attempt 3']]);
  });

  it('a holder that follows another without a gap in between is an assignment too', () => {
    const story = new Story();
    story.assign('download');
    const { row } = story;
    story.revoke('download', returned);
    story.assign('download', 'a2' as AgentId);
    expect(eventsOfEpisode(row, story.row, 0)).toMatchObject([
      { type: 'job_assigned', agent: 'a2' },
    ]);
  });

  it('a failure is a retry; a loss and a return are a requeue; all name who held it', () => {
    const story = new Story();
    story.assign('download');
    const retry = story.revoke('download', failed);
    expect(told(retry)).toEqual([['job_retry', 'HTTP 503']]);
    story.assign('download');
    const requeued = story.revoke('download', { kind: 'lost' });
    expect(told(requeued)).toEqual([['job_requeued', 'agent a1 was lost']]);
    story.assign('download');
    const back = story.revoke('download', returned);
    expect(told(back)).toEqual([['job_requeued', 'a1 said goodbye']]);
    expect([...retry, ...requeued, ...back].map((event) => event.agent)).toEqual([
      agent,
      agent,
      agent,
    ]);
  });

  it('giving up is told once, with the reason', () => {
    const story = new Story();
    story.assign('download');
    const dead = story.revoke('download', { ...failed, final: true });
    expect(dead).toEqual([
      { type: 'job_dead', feed, episode, stage: 'download', agent, message: 'HTTP 503' },
    ]);
    expect(story.become(structuredClone(story.row.state))).toEqual([]);
  });

  it('what somebody did not want is told as that, whatever reasons say', () => {
    const story = new Story();
    story.assign('download');
    const canceled = story.revoke('download', { kind: 'canceled', reason: 'not now' });
    expect(canceled).toMatchObject([{ type: 'job_canceled', agent, message: 'not now' }]);
    expect(told(story.skip('download'))).toEqual([['episode_skipped', 'never']]);
    expect(story.skip('download')).toEqual([]);
    expect(told(story.skip('transcribe'))).toEqual([['episode_skipped', 'never']]);
    const other = new Story();
    other.assign('download');
    const reason = 'canceled by the peer';
    expect(told(other.revoke('download', { ...failed, reason, final: true }))).toEqual([
      ['job_dead', reason],
    ]);
    expect(told(other.skip('download'))).toEqual([['episode_skipped', 'never']]);
  });

  it('a commit is told as done, for it frees the slot; the done pointer tells nothing more', () => {
    const story = new Story();
    story.assign('download');
    const events = story.commit('download', 12_345_678, 61.4);
    expect(events).toEqual([
      {
        type: 'job_done',
        feed,
        episode,
        stage: 'download',
        agent,
        message: '12.3 MB, 61 s of audio',
      },
    ]);
    expect(story.publish('download', 0)).toEqual([]);
    expect(story.become(structuredClone(story.row.state))).toEqual([]);
  });

  it('a transcription is told with its seconds and its speed', () => {
    const story = new Story();
    story.assign('download');
    story.commit('download', 1, 600);
    story.publish('download', 0);
    story.assign('transcribe', agent, 1_000_000);
    expect(told(story.commit('transcribe', 1, 600, 1_040_000))).toEqual([
      ['job_done', '600 s of audio in 40.0 s (15.0x)'],
    ]);
  });

  it('no speed and no agent is made up where nobody saw the attempt begin', () => {
    const story = new Story();
    story.assign('download');
    story.commit('download', 1, 600);
    story.publish('download', 0);
    const { row: free } = story;
    story.assign('transcribe', 'a2' as AgentId, 1_000);
    const { row: othersAttempt } = story;
    story.revoke('transcribe', returned);
    story.assign('transcribe', agent, 2_000);
    story.commit('transcribe', 1, 600);
    story.publish('transcribe', 3_000);
    // A tail tells the newest value only: what was between may never be seen.
    for (const before of [free, othersAttempt])
      expect(eventsOfEpisode(before, story.row, 9_000)).toMatchObject([
        { type: 'job_done', agent: null, message: '600 s of audio' },
      ]);
  });

  it('a second run that is done is told as well, and a request tells nothing', () => {
    const story = new Story();
    story.assign('download');
    story.commit('download', 1, 1);
    story.publish('download', 0);
    expect(story.step('download', { kind: 'request', request: 'again' })).toEqual([]);
    expect(told(story.assign('download'))).toEqual([['job_assigned', 'attempt 1']]);
    expect(told(story.commit('download', 2_000_000, null))).toEqual([
      ['job_done', '2.0 MB, 0 s of audio'],
    ]);
    expect(story.publish('download', 0)).toEqual([]);
  });
});

describe('what the change of a session tells', () => {
  const fleet = new HandBuiltFleet(clock, library);
  const row = (fields: Parameters<HandBuiltFleet['agent']>[1]): SessionRow => {
    fleet.agent(agent, fields);
    const found = fleet.snapshot.sessions.get(agent);
    if (found === undefined) throw new Error('it was just folded');
    return found;
  };

  it('joined once for each session, lost, and left', () => {
    const first = row({ engine: '' });
    const { session } = first;
    const of = { feed: null, episode: null, stage: null, agent };
    expect(eventsOfSession(null, first)).toEqual([
      { ...of, type: 'agent_joined', message: 'from a1.example' },
    ]);
    expect(eventsOfSession(first, { ...first, revision: first.revision + 1 })).toEqual([]);
    const lost = row({ state: 'lost', session });
    expect(eventsOfSession(first, lost)).toMatchObject([{ ...of, type: 'agent_lost' }]);
    const second = row({ engine: 'whisper' });
    expect(eventsOfSession(lost, second)).toMatchObject([
      { ...of, type: 'agent_joined', message: 'from a1.example, whisper' },
    ]);
    const gone = row({ state: 'gone', session: second.session });
    expect(eventsOfSession(second, gone)).toMatchObject([{ ...of, type: 'agent_left' }]);
    // Superseded: live before and live after, but another life.
    expect(eventsOfSession(first, second)).toMatchObject([{ type: 'agent_joined' }]);
  });
});

describe('what the change of a feed tells', () => {
  const fleet = new HandBuiltFleet(clock, library);
  fleet.feed(feed, { title: null });
  const before = fleet.snapshot.feeds.get(feed)?.record as FeedRecord;
  const types = (was: Partial<FeedRecord>, is: Partial<FeedRecord>) =>
    told(eventsOfFeed({ ...before, ...was }, { ...before, ...is }));

  it('added, by its title, or its id where it has none', () => {
    expect(told(eventsOfFeed(null, before))).toEqual([['feed_added', 'alpha']]);
    expect(told(eventsOfFeed(null, { ...before, title: 'A' }))).toEqual([['feed_added', 'A']]);
  });

  it('that is purged, when that begins, when it is done, and when it is asked for in a new world', () => {
    const of = { cluster: CLUSTER, sinceMs: 0, results: 2, files: 1, bytes: 1_500_000 };
    const wanted = { removed: true, purge: { state: 'wanted', ...of } } as const;
    const done = { removed: true, purge: { state: 'done', ...of } } as const;
    const elsewhere = { ...wanted.purge, cluster: 'z'.repeat(16) as typeof CLUSTER };
    expect(types({}, wanted)).toEqual([['feed_purging', 'alpha: 1 file, 1.5 MB go']]);
    expect(types(wanted, wanted)).toEqual([]);
    expect(types(wanted, done)).toEqual([['feed_purged', 'alpha: 1 file, 1.5 MB are gone']]);
    expect(types({ ...wanted, purge: elsewhere }, wanted)).toHaveLength(1);
    expect(types(done, { removed: false, purge: undefined })).toEqual([]);
  });

  it('read for the first time, whatever it lists', () => {
    expect(types({}, { lastSuccessMs: 5, title: 'A' })).toEqual([
      ['feed_read', 'A: 0 episodes listed'],
    ]);
  });

  it('read again only when it lists another number', () => {
    const was = { lastSuccessMs: 5, listed: 3 };
    expect(types(was, { lastSuccessMs: 9, listed: 3 })).toEqual([]);
    expect(types(was, { lastSuccessMs: 9, listed: 4 })).toEqual([
      ['feed_read', 'alpha: 4 episodes listed'],
    ]);
  });

  it('failed, once for each failure, with the problem', () => {
    const problem = 'it is HTML';
    expect(types({}, { failures: 1, problem })).toEqual([['feed_failed', problem]]);
    expect(types({ failures: 1 }, { failures: 1, problem })).toEqual([]);
    expect(types({ failures: 1 }, { failures: 2 })).toEqual([
      ['feed_failed', 'it could not be read'],
    ]);
    expect(types({ failures: 2 }, { failures: 0 })).toEqual([]);
  });
});
