import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AgentId, type EpisodeId, episodeIdFrom, type FeedId } from './ids.ts';
import {
  agentOfSubject,
  CLUSTER_KEY,
  commandSubject,
  cordonKey,
  feedHostKey,
  feedKey,
  heartbeatSubject,
  helloSubject,
  hostKey,
  jobKey,
  LEADER_KEY,
  mayAnswer,
  metaKey,
  parseStateKey,
  resultSubject,
  type StateKey,
  sessionKey,
} from './key.ts';

const slugs = fc.stringMatching(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/);
const feeds = slugs.map((text) => text as FeedId);
const agents = slugs.map((text) => text as AgentId);
const episodes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(episodeIdFrom);

function print(key: StateKey): string | null {
  switch (key.kind) {
    case 'cluster':
      return CLUSTER_KEY;
    case 'job':
      return jobKey(key.feed, key.episode);
    case 'feed':
      return feedKey(key.feed);
    case 'session':
      return sessionKey(key.agent);
    case 'cordon':
      return cordonKey(key.agent);
    case 'host':
      return hostKey(key.host);
    case 'feed_host':
      return feedHostKey(key.feed);
    case 'unknown':
      return null;
  }
}

describe('keys of the state bucket', () => {
  it('are read back as what they were printed from', () => {
    fc.assert(
      fc.property(feeds, agents, episodes, (feed, agent, episode) => {
        expect(parseStateKey(jobKey(feed, episode))).toEqual({ kind: 'job', feed, episode });
        expect(parseStateKey(feedKey(feed))).toEqual({ kind: 'feed', feed });
        expect(parseStateKey(sessionKey(agent))).toEqual({ kind: 'session', agent });
        expect(parseStateKey(cordonKey(agent))).toEqual({ kind: 'cordon', agent });
        expect(parseStateKey(feedHostKey(feed))).toEqual({ kind: 'feed_host', feed });
        expect(parseStateKey(CLUSTER_KEY)).toEqual({ kind: 'cluster' });
      }),
    );
  });

  it('one thing has one key: whatever is understood prints to itself', () => {
    const episode = 'a'.repeat(26) as EpisodeId;
    const part = fc.constantFrom(
      'job',
      'feed',
      'sess',
      'cordon',
      'host',
      'feedhost',
      'example=2eorg',
      'example=2Eorg',
      'cluster',
      'meta',
      '',
      '*',
      '>',
      'a',
      episode,
    );
    const parts = fc.array(part, { maxLength: 5 }).map((words) => words.join('.'));
    fc.assert(
      fc.property(fc.oneof(parts, fc.string({ unit: 'binary', maxLength: 60 })), (text) => {
        const key = parseStateKey(text);
        if (key.kind !== 'unknown') expect(print(key)).toBe(text);
      }),
    );
  });

  it('that are strange are passed over, never thrown at', () => {
    const episode = 'a'.repeat(26) as EpisodeId;
    for (const text of [
      '',
      '.',
      '....',
      'job',
      'job.f',
      `job..${episode}`,
      `job.*.${episode}`,
      `job.f.${episode}.x`,
      `JOB.f.${episode}`,
      'job.f.*',
      'feed',
      'feed.',
      'feed.f.',
      'sess.a.',
      'feed.>',
      'feed.a.b',
      'sess.',
      'cordon.',
      'cordon.a.b',
      'cluster.x',
      LEADER_KEY,
      metaKey('f' as FeedId, episode),
      '__proto__',
      'constructor.prototype',
      'a'.repeat(100_000),
    ])
      expect(parseStateKey(text), text.slice(0, 80)).toEqual({ kind: 'unknown' });
  });
});

describe('subjects', () => {
  it("an agent's subjects name the agent, and it is read back", () => {
    fc.assert(
      fc.property(agents, (agent) => {
        for (const of of [helloSubject, heartbeatSubject, resultSubject, commandSubject])
          expect(agentOfSubject(of(agent))).toBe(agent);
      }),
    );
    expect([helloSubject('*'), heartbeatSubject('*'), resultSubject('*')]).toEqual([
      'hello.*',
      'hb.*',
      'res.*',
    ]);
  });

  it('a subject of another form names nobody', () => {
    for (const subject of ['', 'hb', 'hb.', 'hb.*', 'hb.>', 'hb.a.b', 'hb.A', 'hb.a b', '.a.'])
      expect(agentOfSubject(subject), subject).toBeNull();
  });
});

describe('where a request may be answered', () => {
  it('is below the inbox of the agent that asks, and nowhere else', () => {
    fc.assert(
      fc.property(agents, fc.string(), (agent, tail) => {
        expect(mayAnswer(helloSubject(agent), `_INBOX.agent.${agent}.${tail}`)).toBe(true);
        expect(mayAnswer(resultSubject(agent), `_INBOX.agent.${agent}x.${tail}`)).toBe(false);
        expect(mayAnswer(helloSubject(agent), tail)).toBe(false);
      }),
    );
    const gpu = 'gpu-1' as AgentId;
    for (const reply of [
      '$JS.API.STREAM.PURGE.KV_podctl_state',
      '$KV.podctl_state.cluster',
      'order',
    ])
      for (const subject of [helloSubject(gpu), resultSubject(gpu), heartbeatSubject(gpu), 'order'])
        expect(mayAnswer(subject, reply)).toBe(false);
    expect(mayAnswer('hello.', '_INBOX.agent..x')).toBe(false);
    expect(mayAnswer('order', '_INBOX.abc')).toBe(true);
  });
});
