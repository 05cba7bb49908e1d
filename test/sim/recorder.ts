import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import type { HostState } from '@podctl/domain/host-state.ts';
import type { AgentId, ClusterId } from '@podctl/domain/ids.ts';
import { LEADER_KEY, parseStateKey } from '@podctl/domain/key.ts';
import type { JobToken, ResultMessage } from '@podctl/domain/protocol.ts';
import { type SessionRecord, sessionOf } from '@podctl/domain/session.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import type { VerdictAnswer } from '@podctl/domain/verdict.ts';
import { hostRecord } from '@podctl/platform/host-records.ts';
import type { KvEntry } from '@podctl/platform/kv.ts';
import { decodeLeader } from '@podctl/platform/leader-record.ts';
import { clusterRecord, cordonRecord, sessionRecord } from '@podctl/platform/records.ts';
import type { Sender } from './network.ts';
import type { SimProcess } from './process.ts';
import type { Trace } from './trace.ts';
import type { VirtualTime } from './virtual-time.ts';
import { must, type World } from './world.ts';

export interface Accepted {
  readonly cluster: ClusterId;
  readonly token: number;
  readonly sha256: string;
  /** Null until the pointer was flipped. */
  doneAtMs: number | null;
}

/** One revision of an episode's key, beside the one before it. */
export interface JobChange {
  readonly feed: string;
  readonly episode: string;
  readonly revision: number;
  readonly beforeRevision: number;
  readonly before: EpisodeState | null;
  readonly after: EpisodeState;
  readonly sender: Sender | null;
}

export interface SessionChange {
  readonly agent: AgentId;
  readonly before: SessionRecord | null;
  readonly after: SessionRecord;
  readonly session: number;
  readonly sender: Sender | null;
}

export interface JobRow {
  readonly feed: string;
  readonly episode: string;
  readonly revision: number;
  readonly state: EpisodeState;
}

/** The reign of a coordinator as its own writes of the leader's key show it. */
export interface Reign {
  beganMs: number;
  trustedUntilMs: number;
}

/** What is asked of each thing that happens; the answer is what is wrong, or null. */
export interface Judges {
  job(log: Recorder, change: JobChange): Iterable<string>;
  session(log: Recorder, change: SessionChange): Iterable<string>;
  answer(log: Recorder, question: ResultMessage, answer: VerdictAnswer): Iterable<string>;
}

/** The log of all revisions and all answers, from outside: what is promised is judged by it, never by the final state. */
export class Recorder {
  readonly world: World;
  readonly time: VirtualTime;
  readonly trace: Trace;
  readonly violations: string[] = [];
  readonly jobs = new Map<string, JobRow>();
  readonly sessions = new Map<
    AgentId,
    { record: SessionRecord; session: number; revision: number }
  >();
  /** By job and run. */
  readonly accepted = new Map<string, Accepted>();
  /** How many results were accepted of a job's stage. */
  readonly acceptedCount = new Map<string, number>();
  readonly answers = new Map<string, VerdictAnswer>();
  /** What agents said of a token, by tokenId. */
  readonly reported = new Map<string, ResultMessage['outcome']['kind']>();
  readonly goodbyes = new Set<string>();
  /** Agents that people ever drained. */
  readonly drained = new Set<string>();
  /** Tokens that a goodbye listed as finished, with when it was said. */
  readonly handedOver = new Map<string, number>();
  readonly begun = new Map<string, string>();
  readonly reigns = new Map<SimProcess, Reign>();
  /** When each staging folder got its manifest. */
  readonly finishedMs = new Map<string, number>();
  readonly feeds = new Set<string>();
  readonly hosts = new Map<string, HostState>();
  cluster: ClusterId | null = null;
  readonly #judges: Judges;
  readonly #trust: { ttlMs: number; marginMs: number };

  constructor(
    world: World,
    time: VirtualTime,
    judges: Judges,
    trust: { ttlMs: number; marginMs: number },
    trace: Trace,
  ) {
    this.world = world;
    this.time = time;
    this.#judges = judges;
    this.#trust = trust;
    this.trace = trace;
  }

  violate(sentence: string, detail: string): void {
    const text = `${sentence}: ${detail}`;
    this.trace.add('VIOLATED', text);
    this.violations.push(text);
  }

  /** A restore: what is written from now on is another bucket's. */
  newWorld(): void {
    this.jobs.clear();
    this.sessions.clear();
    this.reigns.clear();
    this.hosts.clear();
    this.cluster = null;
  }

  wrote(bucket: string, entry: KvEntry, sender: Sender | null): void {
    const by = sender?.process.name ?? 'server';
    if (bucket === 'podctl_lead') this.#wroteLead(entry, sender);
    if (bucket !== 'podctl_state') return;
    const key = parseStateKey(entry.key);
    if (entry.kind === 'gone') {
      this.violate('The known set of episodes never shrinks', `${entry.key} was removed by ${by}`);
      return;
    }
    if (key.kind === 'job') this.#wroteJob(key.feed, key.episode, entry, sender);
    else if (key.kind === 'session') this.#wroteSession(entry, sender);
    else if (key.kind === 'cordon') this.#wroteCordon(key.agent, entry, by);
    else if (key.kind === 'host') this.hosts.set(key.host, must(hostRecord.decode(entry.value)));
    else if (key.kind === 'feed') this.feeds.add(key.feed);
    else if (key.kind === 'cluster') this.cluster = must(clusterRecord.decode(entry.value)).cluster;
  }

  heardQuestion(question: ResultMessage): void {
    this.reported.set(tokenId(question.cluster, question.job), question.outcome.kind);
  }

  answered(question: ResultMessage, answer: VerdictAnswer, by: string): void {
    const id = tokenId(question.cluster, question.job);
    this.trace.add(by, 'answers', answer, id);
    this.#hear(this.#judges.answer(this, question, answer));
    this.answers.set(id, answer);
  }

  #wroteJob(
    feed: string,
    episode: string,
    entry: KvEntry & { readonly kind: 'value' },
    sender: Sender | null,
  ): void {
    const id = `${feed}.${episode}`;
    const known = this.jobs.get(id) ?? null;
    const after = must(decodeEpisode(new TextDecoder().decode(entry.value)));
    const change: JobChange = {
      ...{ feed, episode, revision: entry.revision, sender, after },
      before: known?.state ?? null,
      beforeRevision: known?.revision ?? 0,
    };
    this.#traceJob(change);
    this.#hear(this.#judges.job(this, change));
    this.jobs.set(id, { feed, episode, revision: entry.revision, state: after });
    this.#noteAccepted(change);
  }

  #noteAccepted({ feed, episode, before, after }: JobChange): void {
    for (const stage of STAGES) {
      const { lock, done } = after.stages[stage];
      const job = `${feed}.${episode}.${stage}`;
      if (lock.state === 'committed' && before?.stages[stage].lock.state !== 'committed') {
        const { token, manifest } = lock;
        this.accepted.set(`${job}.${lock.run}`, {
          ...{ cluster: after.cluster, token, sha256: manifest.sha256, doneAtMs: null },
        });
        this.acceptedCount.set(job, (this.acceptedCount.get(job) ?? 0) + 1);
      }
      if (done === null || done.run === before?.stages[stage].done?.run) continue;
      const accepted = this.accepted.get(`${job}.${done.run}`);
      if (accepted !== undefined) accepted.doneAtMs = this.time.nowMs;
    }
  }

  #wroteSession(entry: KvEntry & { readonly kind: 'value' }, sender: Sender | null): void {
    const after = must(sessionRecord.decode(entry.value));
    const session = sessionOf(after, entry.revision);
    const { agent } = after;
    const before = this.sessions.get(agent)?.record ?? null;
    this.trace.add(sender?.process.name ?? 'operator', 'writes', entry.key, after.state, session);
    this.#hear(this.#judges.session(this, { agent, before, after, session, sender }));
    this.sessions.set(agent, { record: after, session, revision: entry.revision });
  }

  #wroteCordon(agent: string, entry: KvEntry & { readonly kind: 'value' }, by: string): void {
    const { kind } = must(cordonRecord.decode(entry.value));
    this.trace.add(by, 'writes', entry.key, kind);
    if (kind === 'draining') this.drained.add(agent);
  }

  #wroteLead(entry: KvEntry, sender: Sender | null): void {
    if (entry.key !== LEADER_KEY) return;
    const record = entry.kind === 'value' ? decodeLeader(entry.value) : null;
    if (record === null || record.epoch === null)
      this.trace.add(
        sender?.process.name ?? 'server',
        record === null ? 'frees the lead' : 'wins the lead',
        entry.revision,
      );
    if (sender === null || record === null) return;
    const { ttlMs, marginMs } = this.#trust;
    const trustedUntilMs = sender.monotonicMs + ttlMs - marginMs;
    const known = this.reigns.get(sender.process);
    if (record.epoch === null || known === undefined)
      this.reigns.set(sender.process, { beganMs: sender.monotonicMs, trustedUntilMs });
    else known.trustedUntilMs = Math.max(known.trustedUntilMs, trustedUntilMs);
  }

  #hear(found: Iterable<string>): void {
    for (const text of found) {
      this.trace.add('VIOLATED', text);
      this.violations.push(text);
    }
  }

  #traceJob({ feed, episode, revision, before, after, sender }: JobChange): void {
    const by = sender?.process.name ?? 'operator';
    for (const stage of STAGES) {
      const was = before?.stages[stage];
      const is = after.stages[stage];
      if (JSON.stringify(was) !== JSON.stringify(is))
        this.trace.add(by, 'writes', `${feed}.${episode.slice(0, 6)}.${stage} @${revision}`, is);
    }
  }
}

export function tokenId(cluster: ClusterId, job: JobToken): string {
  return `${cluster}.${job.feed}.${job.episode}.${job.stage}.${job.token}`;
}
