import { FRESH_LOCK } from '@podctl/domain/episode-state.ts';
import type {
  AgentId,
  ClusterId,
  EpisodeId,
  FeedId,
  SessionId,
  Token,
} from '@podctl/domain/ids.ts';
import type { HeartbeatMessage, TokenReport } from '@podctl/domain/protocol.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { beforeEach, describe, expect, it } from 'vitest';
import { CLUSTER, episodeOf, HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { done, held } from '../../../../test/support/stage-change.ts';
import { reconcile, standing } from './reconcile.ts';
import type { SessionRow } from './snapshot.ts';

const feed = 'alpha' as FeedId;
const agent = 'a1' as AgentId;
const clock = new ManualClock();
const library = new MemoryLibrary('m'.repeat(16), 1, () => 0);

let fleet: HandBuiltFleet;
beforeEach(() => {
  fleet = new HandBuiltFleet(clock, library);
});

function heartbeat(session: number, tokens: readonly TokenReport[] = []): HeartbeatMessage {
  return {
    boot: 'boot-1',
    cluster: CLUSTER,
    session: session as SessionId,
    sequence: 1,
    tokens,
    engine: '',
    problem: null,
  };
}

describe('what a heartbeat says about the session of its sender', () => {
  const kind = (message: HeartbeatMessage) =>
    standing(fleet.snapshot, fleet.snapshot.sessions.get(agent), CLUSTER, message).kind;

  it('current: it is live and the newest', () => {
    const session = fleet.agent(agent);
    expect(standing(fleet.snapshot, row(), CLUSTER, heartbeat(session))).toEqual({
      kind: 'current',
      row: row(),
    });
  });

  it('over: lost, gone, never known, or of another world', () => {
    const session = fleet.agent(agent);
    expect(kind({ ...heartbeat(session), cluster: 'b'.repeat(16) as ClusterId })).toBe('over');
    fleet.agent(agent, { state: 'lost', session });
    expect(kind(heartbeat(session))).toBe('over');
    fleet.agent(agent, { state: 'gone', session });
    expect(kind(heartbeat(session))).toBe('over');
    const stranger = standing(fleet.snapshot, undefined, CLUSTER, heartbeat(session));
    expect(stranger.kind).toBe('over');
  });

  it('superseded: another process took the id over and lives', () => {
    const old = fleet.agent(agent);
    const young = fleet.agent(agent, { boot: 'boot-2' });
    expect(kind(heartbeat(old))).toBe('superseded');
    // Neither one that is over itself, nor the sender's own next session, may send it away for good.
    fleet.agent(agent, { boot: 'boot-2', state: 'lost', session: young });
    expect(kind(heartbeat(old))).toBe('over');
    fleet.agent(agent, { boot: 'boot-1' });
    expect(kind(heartbeat(old))).toBe('over');
  });

  it('ahead: this snapshot has not seen the session yet and may not judge', () => {
    const session = fleet.agent(agent);
    expect(kind(heartbeat(fleet.snapshot.revision + 1))).toBe('ahead');
    fleet.feed(feed);
    // A revision that was seen, above the session's own, is not this agent's as far as is known.
    expect(kind(heartbeat(session + 1))).toBe('ahead');
    const unknown = heartbeat(fleet.snapshot.revision + 1);
    expect(standing(fleet.snapshot, undefined, CLUSTER, unknown).kind).toBe('ahead');
  });
});

describe('the reconcile loop', () => {
  let session: number;
  beforeEach(() => {
    session = fleet.agent(agent);
  });

  it('tells again what the session holds and does not list', () => {
    const one = hold(0, 'download', 5);
    hold(1, 'download', 6);
    const listed = report(1, 'download', 6);
    const { resend, cancel } = reconcile(fleet.snapshot, row(), heartbeat(session, [listed]));
    expect(resend.map(({ episode, lock }) => [episode, lock.token])).toEqual([[one, 5]]);
    expect(cancel).toEqual([]);
  });

  it('takes neither another token, stage nor episode for what is held', () => {
    hold(0, 'download', 5);
    const near = [report(0, 'download', 4), report(0, 'transcribe', 5), report(1, 'download', 5)];
    const { resend } = reconcile(fleet.snapshot, row(), heartbeat(session, near));
    expect(resend).toHaveLength(1);
  });

  it('knows a listed token in any phase: what is finished is not begun again', () => {
    hold(0, 'download', 5);
    for (const phase of ['running', 'finished', 'unsettled'] as const) {
      const told = heartbeat(session, [{ ...report(0, 'download', 5), phase }]);
      expect(reconcile(fleet.snapshot, row(), told)).toEqual({ resend: [], cancel: [] });
    }
  });

  it('tells nobody what another agent or an older session holds', () => {
    fleet.agent('a2' as AgentId);
    fleet.episode(feed, 0, held('download', { agent: 'a2' as AgentId, session, token: 5 }));
    fleet.episode(feed, 1, held('download', { agent, session: session + 1, token: 5 }));
    expect(reconcile(fleet.snapshot, row(), heartbeat(session)).resend).toEqual([]);
  });

  it('calls off what is running and not held: freed, done, or given to another token', () => {
    const freed = report(0, 'download', 1);
    fleet.episode(feed, 0);
    const finished = report(1, 'download', 1);
    fleet.episode(feed, 1, done('download'));
    const lost = report(2, 'download', 1);
    hold(2, 'download', 2);
    const told = heartbeat(session, [freed, finished, lost]);
    expect(reconcile(fleet.snapshot, row(), told).cancel).toEqual([freed, finished, lost]);
  });

  it('does not call off what is finished: its verdict is still to come', () => {
    fleet.episode(feed, 0);
    for (const phase of ['finished', 'unsettled'] as const) {
      const told = heartbeat(session, [{ ...report(0, 'download', 1), phase }]);
      expect(reconcile(fleet.snapshot, row(), told).cancel).toEqual([]);
    }
  });

  it('does not judge a token that its row cannot know of yet, nor an episode it has never seen', () => {
    fleet.episode(feed, 0);
    const revision = fleet.snapshot.revision;
    const cancelled = (token: number) =>
      reconcile(fleet.snapshot, row(), heartbeat(session, [report(0, 'download', token)])).cancel
        .length;
    expect([revision - 1, revision, revision + 1].map(cancelled)).toEqual([1, 0, 0]);
    const unseen = heartbeat(session, [report(7, 'download', 1)]);
    expect(reconcile(fleet.snapshot, row(), unseen).cancel).toEqual([]);
  });

  it('neither calls off nor tells again what is committed', () => {
    const id = hold(0, 'download', 2);
    commit(id);
    const told = heartbeat(session, [report(0, 'download', 2)]);
    expect(reconcile(fleet.snapshot, row(), told)).toEqual({ resend: [], cancel: [] });
    expect(reconcile(fleet.snapshot, row(), heartbeat(session)).resend).toEqual([]);
  });

  const hold = (n: number, stage: Stage, token: number) =>
    fleet.episode(feed, n, held(stage, { agent, session, token }));
});

function commit(id: EpisodeId): void {
  const n = [0, 1, 2].find((one) => episodeOf(feed, one) === id) ?? 0;
  const manifest = { sha256: '0'.repeat(64), files: 1, bytes: 1, audioSeconds: 1 };
  fleet.episode(feed, n, (state) => {
    const { lock } = state.stages.download;
    const committed =
      lock.state === 'held' ? ({ ...lock, state: 'committed', manifest } as const) : FRESH_LOCK;
    return {
      ...state,
      stages: { ...state.stages, download: { ...state.stages.download, lock: committed } },
    };
  });
}

function report(n: number, stage: Stage, token: number): TokenReport {
  const episode = episodeOf(feed, n);
  return { feed, episode, stage, run: 1, token: token as Token, phase: 'running', progress: 0 };
}

function row(): SessionRow {
  const found = fleet.snapshot.sessions.get(agent);
  if (found === undefined) throw new Error('no session yet');
  return found;
}
