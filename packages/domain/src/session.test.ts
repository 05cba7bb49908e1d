import { describe, expect, it } from 'vitest';
import type { AgentId, ClusterId, Nonce } from './ids.ts';
import { decideHello, type SessionRecord, sessionOf } from './session.ts';

const cluster = 'c'.repeat(16) as ClusterId;
const record: SessionRecord = {
  cluster,
  nonce: 'n'.repeat(16) as Nonce,
  agent: 'gpu-1' as AgentId,
  state: 'live',
  boot: 'boot-1',
  host: 'host',
  version: '0.1.0',
  engine: 'engine',
  slots: { download: 5, transcribe: 1 },
  sinceMs: 0,
  session: 0,
};

describe('hello', () => {
  it('of an agent never seen begins a session', () => {
    expect(decideHello(null, cluster, 'boot-1')).toEqual({ kind: 'begin' });
  });

  it('said again by the same process goes on in its session', () => {
    expect(decideHello(record, cluster, 'boot-1')).toEqual({ kind: 'resume' });
  });

  it('of a new process supersedes the live session of the older one', () => {
    expect(decideHello(record, cluster, 'boot-2')).toEqual({ kind: 'supersede' });
  });

  it('after a loss or a goodbye begins anew, even for the same process: the lost session gets nothing again', () => {
    for (const state of ['lost', 'gone'] as const)
      for (const boot of ['boot-1', 'boot-2'])
        expect(decideHello({ ...record, state, session: 9 }, cluster, boot)).toEqual({
          kind: 'begin',
        });
  });

  it('in a new world begins anew, whatever the old world said', () => {
    const other = 'd'.repeat(16) as ClusterId;
    for (const state of ['live', 'lost', 'gone'] as const)
      expect(decideHello({ ...record, state }, other, 'boot-1')).toEqual({ kind: 'begin' });
  });
});

describe('the id of a session', () => {
  it('is the revision of the write that made it live, and stays so when it ends', () => {
    const session = sessionOf(record, 41);
    expect(session).toBe(41);
    expect(sessionOf({ ...record, session }, 44)).toBe(41);
    expect(sessionOf({ ...record, state: 'lost', session }, 57)).toBe(41);
    expect(sessionOf({ ...record, state: 'gone', session }, 58)).toBe(41);
  });
});
