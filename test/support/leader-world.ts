import { createHash } from 'node:crypto';
import { ADOPTER, adopterSession } from '@podctl/domain/adoption/adopter.ts';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import { type EpisodeState, newEpisode } from '@podctl/domain/episode-state.ts';
import {
  type AgentId,
  type EpisodeId,
  type Epoch,
  type FeedId,
  nonceFrom,
  type SessionId,
  type Token,
} from '@podctl/domain/ids.ts';
import { BUCKETS, CLUSTER_KEY, jobKey, parseStateKey } from '@podctl/domain/key.ts';
import { stagingFolder } from '@podctl/domain/library-path.ts';
import { encodeManifest, MANIFEST_NAME, type ManifestRef } from '@podctl/domain/manifest.ts';
import type { Stage } from '@podctl/domain/stage.ts';
import { LibraryError, type ListedFile, type WrittenFile } from '@podctl/platform/library.ts';
import { clusterRecord } from '@podctl/platform/records.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import type { Logger } from '../../apps/coordinator/src/shell/logger.ts';
import { Replica } from '../../apps/coordinator/src/shell/replica.ts';
import { Store } from '../../apps/coordinator/src/shell/store.ts';
import { CLUSTER, episodeOf, NONCE } from './hand-built-fleet.ts';

const FEED = 'alpha' as FeedId;
const AGENT = 'a1' as AgentId;

/** A library in memory that lets a test step in between two steps of whoever uses it. */
export class SteppedLibrary extends MemoryLibrary {
  afterList: () => Promise<void> = async () => {};
  /** May throw: the link is not made then. */
  beforeLink: (to: string) => Promise<void> = async () => {};
  beforeHash: () => Promise<void> = async () => {};
  beforeStat: () => Promise<void> = async () => {};
  /** On a bad sector. */
  readonly unreadable = new Set<string>();
  readonly linked: string[] = [];

  override async list(folder: string, limit: number, after = ''): Promise<readonly ListedFile[]> {
    const listed = await super.list(folder, limit, after);
    await this.afterList();
    return listed;
  }

  override async link(from: string, to: string): Promise<void> {
    await this.beforeLink(to);
    await super.link(from, to);
    this.linked.push(to);
  }

  override async stat(path: string) {
    await this.beforeStat();
    if (this.unreadable.has(path)) throw new LibraryError('io', `${path}: permission denied`);
    return super.stat(path);
  }

  override async hash(path: string, signal: AbortSignal): Promise<WrittenFile> {
    await this.beforeHash();
    if (this.unreadable.has(path)) throw new LibraryError('io', `${path}: input/output error`);
    return super.hash(path, signal);
  }

  /** Puts a file there, as of now. */
  put(path: string, text: string) {
    const chunks = async function* () {
      yield new TextEncoder().encode(text);
    };
    return this.write(path, chunks(), AbortSignal.timeout(5_000));
  }

  async text(path: string): Promise<string> {
    return new TextDecoder().decode(await this.readSmall(path, 10_000_000));
  }
}

/** What a leader's services stand on: the store over the twin of NATS, a library in memory, and time that waits. */
export class LeaderWorld {
  readonly feed = FEED;
  readonly agent = AGENT;
  readonly clock = new ManualClock();
  readonly nats: MemoryNats;
  readonly client;
  readonly replica: Replica;
  readonly library: SteppedLibrary;
  readonly store: Store;
  /** What was logged, as `level: message`. */
  readonly said: string[] = [];
  readonly log: Logger;
  /** Whether the term is trusted. */
  leads = true;
  /** Every state that an episode of the first feed ever had, from the server's own record. */
  readonly history: { readonly episode: EpisodeId; readonly state: EpisodeState }[] = [];
  #nonces = 0;

  constructor() {
    this.nats = new MemoryNats(this.clock, {
      onError: (error) => {
        throw error;
      },
    });
    this.client = this.nats.client('leader');
    this.replica = this.newReplica();
    this.library = new SteppedLibrary('m'.repeat(16), 1_000_000_000, () => this.clock.wallMs());
    this.store = this.newStore(this.replica);
    const say = (level: string) => (_fields: object, message: string) =>
      void this.said.push(`${level}: ${message}`);
    this.log = { info: say('info'), warn: say('warn'), error: say('error'), debug: say('debug') };
  }

  static async start(): Promise<LeaderWorld> {
    const world = new LeaderWorld();
    const bucket = world.nats.bucket(BUCKETS.state);
    bucket.onWrite((entry) => {
      const key = parseStateKey(entry.key);
      if (key.kind !== 'job' || entry.kind !== 'value') return;
      const state = decodeEpisode(new TextDecoder().decode(entry.value));
      if (state.ok) world.history.push({ episode: key.episode, state: state.value });
    });
    const value = clusterRecord.encode({ cluster: CLUSTER });
    bucket.write({ key: CLUSTER_KEY, expected: 0, value });
    await world.follow(world.replica);
    return world;
  }

  stop(): void {
    this.nats.stop();
  }

  newReplica(): Replica {
    return new Replica({ nowMs: () => this.clock.wallMs(), rewound: () => {} });
  }

  newStore(replica: Replica): Store {
    return new Store({
      state: this.client.kv(BUCKETS.state),
      meta: this.client.kv(BUCKETS.meta),
      replica,
      retry: { failuresMax: 2, lossesMax: 3, backoffFirstMs: 0, backoffMaxMs: 0 },
      newNonce: () => this.newNonce(),
      mayWrite: () => this.leads,
    });
  }

  newNonce() {
    this.#nonces += 1;
    return nonceFrom(createHash('sha256').update(`${this.#nonces}`).digest());
  }

  async follow(replica: Replica): Promise<void> {
    await this.client.kv(BUCKETS.state).tail(replica).start();
    await replica.loaded();
  }

  get settle() {
    const { store, library, clock } = this;
    return { store, library, clock, random: () => 0.5 };
  }

  async episode(n = 0): Promise<EpisodeId> {
    const id = episodeOf(FEED, n);
    const written = await this.store.createEpisode(FEED, id, newEpisode(CLUSTER, NONCE, 'poll'));
    if (written.kind !== 'written') throw new Error(`the episode was not made: ${written.kind}`);
    const title = `Part ${n}`;
    await this.store.putMeta(FEED, id, {
      key: title,
      url: 'http://127.0.0.1/',
      feedTitle: 'Alpha',
      title,
      guid: null,
      publishedMs: 0,
      durationSecondsEstimate: null,
    });
    return id;
  }

  /** Gives a stage to the agent, and tells the token. */
  async assign(episode: EpisodeId, stage: Stage = 'download', session = 3): Promise<Token> {
    const { revision } = await this.store.readEpisode(FEED, episode);
    const token = revision as Token;
    const epoch = 1 as Epoch;
    const of = {
      cluster: this.store.cluster(),
      token,
      agent: AGENT,
      session: session as SessionId,
      epoch,
    };
    const holder = { ...of, nowMs: this.clock.wallMs() };
    const moved = await this.store.moveEpisode(FEED, episode, stage, () => ({
      kind: 'assign',
      holder,
    }));
    if (moved.kind !== 'moved') throw new Error(moved.reason);
    return token;
  }

  staging(episode: EpisodeId, token: number, stage: Stage = 'download'): string {
    return stagingFolder(CLUSTER, FEED, episode, stage, token as Token);
  }

  /** Writes files and their manifest into staging, as a worker would. */
  async finish(
    episode: EpisodeId,
    token: Token,
    files: { readonly [name: string]: string },
    { stage = 'download' as Stage, run = 1 } = {},
  ): Promise<ManifestRef> {
    const folder = this.staging(episode, token, stage);
    const listed = [];
    for (const [name, text] of Object.entries(files))
      listed.push({ name, ...(await this.library.put(`${folder}/${name}`, text)) });
    const session = 3 as SessionId;
    const of = { cluster: CLUSTER, feed: FEED, episode, stage, run, token, agent: AGENT, session };
    const manifest = { version: 1, ...of, files: listed, audioSeconds: 30, details: {} } as const;
    const text = encodeManifest(manifest);
    const { sha256 } = await this.library.put(`${folder}/${MANIFEST_NAME}`, text);
    const bytes = listed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    return { sha256, files: listed.length, bytes, audioSeconds: 30 };
  }

  /** Has files of an archive accepted; gives the token under which they are. */
  async adopt(
    episode: EpisodeId,
    manifestAt: (token: Token) => Promise<ManifestRef>,
  ): Promise<Token> {
    const { revision } = await this.store.readEpisode(FEED, episode);
    const token = revision as Token;
    const of = { cluster: this.store.cluster(), token, epoch: 1 as Epoch };
    const session = adopterSession(token);
    const holder = { ...of, agent: ADOPTER, session, nowMs: this.clock.wallMs() };
    const step = { kind: 'adopt', holder, manifest: await manifestAt(token) } as const;
    const moved = await this.store.moveEpisode(FEED, episode, 'download', () => step);
    if (moved.kind !== 'moved') throw new Error(moved.reason);
    return token;
  }

  /** The durable point: from here on the result is accepted. */
  async commit(
    episode: EpisodeId,
    token: Token,
    manifest: ManifestRef,
    stage: Stage = 'download',
  ): Promise<void> {
    const step = { kind: 'commit', token, manifest } as const;
    const moved = await this.store.moveEpisode(FEED, episode, stage, () => step);
    if (moved.kind !== 'moved') throw new Error(moved.reason);
  }

  /** A new run of the stage, from its assignment to its commit. */
  async committed(
    episode: EpisodeId,
    files: { readonly [name: string]: string },
    run = 1,
  ): Promise<Token> {
    if (run > 1) await this.request(episode, `run-${run}`);
    const token = await this.assign(episode);
    await this.commit(episode, token, await this.finish(episode, token, files, { run }));
    return token;
  }

  async request(episode: EpisodeId, request: string): Promise<void> {
    const step = { kind: 'request', request } as const;
    await this.store.moveEpisode(FEED, episode, 'download', () => step);
  }

  async state(episode: EpisodeId): Promise<EpisodeState> {
    const { record } = await this.store.readEpisode(FEED, episode);
    if (record === null) throw new Error('the episode is not known');
    return record;
  }

  /** Something that no coordinator of this version can read. */
  damage(episode: EpisodeId): void {
    const value = new TextEncoder().encode('{"v":2}');
    this.nats.bucket(BUCKETS.state).write({ key: jobKey(FEED, episode), expected: null, value });
  }

  /** Whether a file is in the library. */
  async has(path: string): Promise<boolean> {
    return (await this.library.stat(path)) !== null;
  }
}
