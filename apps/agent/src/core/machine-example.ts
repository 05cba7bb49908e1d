import {
  type ClusterId,
  clusterIdFrom,
  type EpisodeId,
  episodeIdFrom,
  type FeedId,
  feedId,
  isSession,
  isToken,
  nonceFrom,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import type { JobToken, Work } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import type { AgentInput, AgentState } from './agent-state.ts';
import { beginLife, step } from './machine.ts';
import { tokenKey } from './token-key.ts';

/** Small worlds for the tests of the machine. */
export const SLOTS = { download: 2, transcribe: 1 };
export const world = clusterIdFrom(new Uint8Array(10).fill(1));
export const otherWorld = clusterIdFrom(new Uint8Array(10).fill(2));
const feed = feedOf('alpha');
const sha256 = 'a'.repeat(64);
export const ticket = nonceFrom(new Uint8Array(10).fill(3));

export function serving(): AgentState {
  return step(beginLife(SLOTS, []).state, welcome(7)).state;
}

export function running(): { state: AgentState; key: string } {
  const { state } = step(serving(), start(sessionOf(7), job('download', 1, 5)));
  return { state, key: tokenKey(world, job('download', 1, 5)) };
}

export function welcome(session: number): AgentInput {
  return { kind: 'welcomed', cluster: world, session: sessionOf(session) };
}

export function rehello(session: number) {
  return { kind: 'rehello', session: sessionOf(session) } as const;
}

export function start(
  session: SessionId,
  hinted: JobToken,
  cluster: ClusterId = world,
  work: Work = workFor(hinted.stage),
): AgentInput {
  return {
    kind: 'command',
    command: { kind: 'start', cluster, session, job: hinted, work, ticket },
  };
}

export function workFor(stage: Stage): Work {
  if (stage === 'download') {
    const episode = { feedTitle: 'Alpha', title: 'One', guid: null, publishedMs: null };
    return { kind: 'download', url: 'http://127.0.0.1/one.mp3', episode };
  }
  return {
    kind: 'transcribe',
    audioPath: 'alpha/one/audio.mp3',
    audioSha256: sha256,
    audioSeconds: null,
    model: 'tiny.en',
    language: null,
  };
}

export function job(stage: Stage, episode: number, token: number): JobToken {
  return { feed, episode: episodeOf(episode), stage, run: 1, token: tokenOf(token) };
}

export function finished() {
  return { kind: 'finished', manifestSha256: sha256 } as const;
}

export function failed() {
  const rest = { retryAfterMs: null, final: false, returned: true };
  return { kind: 'failed', code: 'cancelled', reason: 'It was cancelled.', ...rest } as const;
}

function feedOf(text: string): FeedId {
  const parsed = feedId(text);
  invariant(parsed.ok, 'a feed id');
  return parsed.value;
}

function episodeOf(n: number): EpisodeId {
  return episodeIdFrom(new Uint8Array(32).fill(n));
}

export function sessionOf(n: number): SessionId {
  invariant(isSession(n), 'a session');
  return n;
}

function tokenOf(n: number): Token {
  invariant(isToken(n), 'a token');
  return n;
}
