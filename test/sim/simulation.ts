import { afterWish, type CordonWish } from '@podctl/domain/cordon.ts';
import { decodeEpisode, encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { move } from '@podctl/domain/episode-move.ts';
import type { EpisodeState } from '@podctl/domain/episode-state.ts';
import { type AgentId, clusterIdFrom, nonceFrom } from '@podctl/domain/ids.ts';
import { BUCKETS, CLUSTER_KEY, cordonKey } from '@podctl/domain/key.ts';
import type { HelloMessage } from '@podctl/domain/protocol.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import { TERM_RULES } from '@podctl/domain/term.ts';
import { clusterRecord, cordonRecord } from '@podctl/platform/records.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { helloMessage, resultMessage, resultReply } from '@podctl/platform/wire.ts';
import type { Worker } from '../../apps/agent/src/shell/jobs.ts';
import type { FleetEvent } from '../../apps/coordinator/src/core/event.ts';
import { restored } from '../../apps/coordinator/src/core/restore.ts';
import { EPOCH_MS, Fleet, LOST_AFTER_MS } from './fleet.ts';
import { judges } from './invariants.ts';
import { LibraryJudge } from './library-judge.ts';
import { Moments } from './moments.ts';
import { SimNetwork } from './network.ts';
import type { Plant } from './plant.ts';
import { Prng } from './prng.ts';
import type { SimProcess } from './process.ts';
import { Recorder, tokenId } from './recorder.ts';
import { SimExchange } from './sim-bus.ts';
import type { Disk } from './sim-library.ts';
import { Trace } from './trace.ts';
import { VirtualTime } from './virtual-time.ts';
import { makeWorld, type World } from './world.ts';

type Goodbye = Extract<HelloMessage, { readonly kind: 'goodbye' }>;

const LIBRARY_BYTES = 1e9;
const WRITES_TRIED_MAX = 20;

/** One world with everything in it: made from its seed, and observed by its recorder. */
export class Simulation {
  readonly time = new VirtualTime();
  readonly random: Prng;
  readonly world: World;
  readonly plant: Plant | null;
  readonly network: SimNetwork;
  readonly exchange: SimExchange;
  readonly recorder: Recorder;
  readonly moments: Moments;
  readonly disk: Disk;
  readonly library: LibraryJudge;
  readonly fleet: Fleet;
  /** Waits for a commit, to ask for one more run right behind it. */
  requestsAfterCommit = 0;
  readonly #told = new Map<string, number>();

  constructor(
    seed: number,
    plant: Plant | null,
    keepsTrace: boolean,
    shape = (world: World) => world,
  ) {
    this.random = new Prng(seed);
    this.plant = plant;
    this.world = shape(makeWorld(this.random.fork('world')));
    const { time, world } = this;
    const trace = new Trace(() => time.nowMs, keepsTrace);
    this.recorder = new Recorder(world, time, judges(LOST_AFTER_MS), TERM_RULES, trace);
    this.moments = new Moments(time);
    this.moments.onAmbush = (process, { kind, act }, name) =>
      trace.add(process.name, `is ambushed ${kind}`, name, act);
    this.network = new SimNetwork(time, this.random.fork('network'), EPOCH_MS);
    this.network.onWrite = (bucket, entry, sender) => {
      this.recorder.wrote(bucket, entry, sender);
      this.#afterWrite(entry.key);
    };
    this.exchange = new SimExchange(this.network, this);
    const files = new MemoryLibrary('library-1', LIBRARY_BYTES, () => EPOCH_MS + time.nowMs);
    this.library = new LibraryJudge(this.recorder, files);
    this.disk = {
      ...{ time, files, moments: this.moments, random: this.random.fork('disk') },
      witness: this.library,
    };
    this.fleet = new Fleet(this);
  }

  /** A coordinator is about to write: it may, while its own clock says so. */
  sending(process: SimProcess, key: string): void {
    if (!key.startsWith('job.') && !key.startsWith('sess.') && !key.startsWith('feed.')) return;
    const trustedUntilMs = this.recorder.reigns.get(process)?.trustedUntilMs ?? 0;
    if (process.clock.monotonicMs() >= trustedUntilMs)
      this.recorder.violate(
        'Nobody writes who is not sure to lead',
        `${process.name} wrote ${key} ${process.clock.monotonicMs() - trustedUntilMs} ms after its trust had ended`,
      );
  }

  /** Nothing is counted twice, by whomever. */
  happened(process: SimProcess, events: readonly FleetEvent[]): void {
    for (const { type, feed, episode, stage } of events) {
      if (type !== 'job_done') continue;
      const job = `${feed}.${episode}.${stage}`;
      const told = (this.#told.get(`${process.name} ${job}`) ?? 0) + 1;
      this.#told.set(`${process.name} ${job}`, told);
      if (told > (this.recorder.acceptedCount.get(job) ?? 0))
        this.recorder.violate(
          'Nothing is counted twice',
          `${process.name} counted ${job} ${told} times`,
        );
    }
  }

  begun(process: SimProcess, { cluster, job }: Parameters<Worker>[0]): void {
    const id = tokenId(cluster, job);
    const before = this.recorder.begun.get(id);
    this.recorder.trace.add(process.name, 'begins', id);
    if (before !== undefined)
      this.recorder.violate(
        'A token is begun at most once',
        `${id} by ${before} and by ${process.name}`,
      );
    this.recorder.begun.set(id, process.name);
  }

  /** The bus shows every question as it is sent. */
  sent(subject: string, data: Uint8Array): void {
    if (subject.startsWith('res.')) {
      const question = resultMessage.decode(data);
      if (question.ok) this.recorder.heardQuestion(question.value);
    } else if (subject.startsWith('hello.')) {
      const hello = helloMessage.decode(data);
      const agent = subject.slice('hello.'.length);
      if (hello.ok && hello.value.kind === 'goodbye') this.#saysGoodbye(agent, hello.value);
    }
  }

  #saysGoodbye(agent: string, { cluster, session, finished }: Goodbye): void {
    this.recorder.goodbyes.add(`${agent}.${session}`);
    for (const job of finished)
      this.recorder.handedOver.set(tokenId(cluster, job), this.time.nowMs);
  }

  answered(by: SimProcess, subject: string, question: Uint8Array, answer: Uint8Array): void {
    this.moments.pass(by, 'replying', subject);
    if (by.isDead || !subject.startsWith('res.')) return;
    const asked = resultMessage.decode(question);
    const reply = resultReply.decode(answer);
    if (asked.ok && reply.ok && reply.value.kind === 'verdict')
      this.recorder.answered(asked.value, reply.value.answer, by.name);
  }

  heard(_by: SimProcess, _subject: string, _question: Uint8Array, _answer: Uint8Array): void {}

  /** Asks for one more run, as an operator does through whoever leads: a CAS at what was read, again until it wins. */
  request(feed: string, episode: string, stage: Stage, id: string): void {
    const bucket = this.network.bucket(BUCKETS.state);
    const key = `job.${feed}.${episode}`;
    for (let tries = 0; tries < WRITES_TRIED_MAX; tries += 1) {
      const entry = bucket.read(key);
      if (entry?.kind !== 'value') return;
      const state = decodeEpisode(new TextDecoder().decode(entry.value));
      if (!state.ok) return;
      const after = this.#requested(state.value, stage, id);
      const value = new TextEncoder().encode(encodeEpisode(after));
      const written = this.network.write(bucket, { key, expected: entry.revision, value }, null);
      if (written.kind === 'written') return;
    }
  }

  /** Takes an agent out or in, as an operator does through whoever leads. */
  wish(agent: AgentId, wish: CordonWish): void {
    const { cluster } = this.recorder;
    const bucket = this.network.bucket(BUCKETS.state);
    const key = cordonKey(agent);
    const entry = bucket.read(key);
    const known = entry?.kind === 'value' ? cordonRecord.decode(entry.value) : null;
    const after = afterWish(known?.ok ? known.value : null, wish, EPOCH_MS + this.time.nowMs);
    if (after === null || cluster === null) return;
    const nonce = nonceFrom(this.random.bytes(10));
    const value = cordonRecord.encode({ ...after, cluster, nonce, agent });
    this.network.write(bucket, { key, expected: entry?.revision ?? 0, value }, null);
  }

  #requested(state: EpisodeState, stage: Stage, request: string): EpisodeState {
    if (this.plant?.request !== undefined) return this.plant.request(state, stage);
    const nonce = nonceFrom(this.random.bytes(10));
    const retry = { failuresMax: 1, lossesMax: 1, backoffFirstMs: 1, backoffMaxMs: 1 };
    const after = move(state, stage, { kind: 'request', request }, nonce, retry);
    return after.ok ? after.value : state;
  }

  /** What a backup holds goes into empty buckets, under a new cluster id. Every coordinator is down meanwhile. */
  restore(): void {
    const kept = (['state', 'meta'] as const).map((bucket) => ({
      bucket,
      entries: this.network.bucket(BUCKETS[bucket]).entriesAfter(0),
    }));
    const { cluster } = this.recorder;
    this.recorder.trace.add('operator', 'restores');
    this.recorder.newWorld();
    this.network.replaceBuckets();
    const fresh = clusterIdFrom(this.random.bytes(10));
    const id = this.plant?.keepsClusterId === true && cluster !== null ? cluster : fresh;
    for (const { bucket, entries } of kept)
      for (const entry of entries.sort((a, b) => (a.key < b.key ? -1 : 1)))
        if (entry.kind === 'value') this.#restoreKey(bucket, entry.key, entry.value);
    this.#write(BUCKETS.state, CLUSTER_KEY, clusterRecord.encode({ cluster: id }));
  }

  #restoreKey(bucket: 'state' | 'meta', key: string, bytes: Uint8Array): void {
    const after = restored({ bucket, key, value: new TextDecoder().decode(bytes) });
    if (after.kind === 'write')
      this.#write(BUCKETS[bucket], key, new TextEncoder().encode(after.value));
  }

  #write(bucket: string, key: string, value: Uint8Array): void {
    this.network.write(this.network.bucket(bucket), { key, expected: 0, value }, null);
  }

  #afterWrite(key: string): void {
    const row = key.startsWith('job.') ? this.recorder.jobs.get(key.slice(4)) : undefined;
    if (row === undefined) return;
    for (const stage of STAGES) {
      const { lock, done } = row.state.stages[stage];
      if (done !== null) this.library.done(row.feed, row.episode, stage);
      if (lock.state === 'committed') this.library.committed(row.feed, row.episode, stage);
      if (lock.state !== 'committed' || this.requestsAfterCommit === 0) continue;
      this.requestsAfterCommit -= 1;
      const id = `again-${this.requestsAfterCommit}-${this.time.nowMs}`;
      this.time.after(this.random.between(0, 15), () =>
        this.request(row.feed, row.episode, stage, id),
      );
    }
  }
}
