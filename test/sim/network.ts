import type { KvEntry } from '@podctl/platform/kv.ts';
import type { BucketWrite, WriteOutcome } from '@podctl/platform/twin/memory-bucket.ts';
import { type MemoryClient, MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import type { Prng } from './prng.ts';
import type { SimProcess } from './process.ts';
import { type VirtualTime, WorldClock } from './virtual-time.ts';

/** What the network does to messages and writes just now; all zero in quiet times. */
export interface Weather {
  /** Share of messages that are lost, come twice, or come late. */
  lost: number;
  doubled: number;
  late: number;
  /** Share of writes whose answer is lost, or that land late. */
  doubtful: number;
  /** Share of reads that an old stream leader answers from what was. */
  stale: number;
}

export const FAIR: Weather = { lost: 0, doubled: 0, late: 0, doubtful: 0, stale: 0 };

/** What becomes of a write on its way. */
export type Fate = 'answered' | 'landed' | 'lost' | { readonly lateMs: number };

/** Who sent a write, and when: by then it was decided, however late it lands. */
export interface Sender {
  readonly process: SimProcess;
  readonly sentMs: number;
  readonly monotonicMs: number;
}

/** Told of each revision; the sender is null for the server itself (an expiry) and for the operator. */
export type WriteListener = (bucket: string, entry: KvEntry, sender: Sender | null) => void;

interface Remembered {
  readonly atMs: number;
  readonly entry: KvEntry;
}

const STALE_MS_MAX = 4_000;
const LATE_WRITE_MS_MAX = 40_000;
const LATE_MESSAGE_MS_MAX = 30_000;
/** A client notices only after a while that nobody is at the other end. */
const NOTICED_MS_MAX = 8_000;

/** One connection of a process. */
export class Link {
  readonly process: SimProcess;
  readonly client: MemoryClient;
  isCut = false;
  #noticedAtMs = Number.POSITIVE_INFINITY;
  readonly #time: VirtualTime;

  constructor(process: SimProcess, client: MemoryClient, time: VirtualTime) {
    this.process = process;
    this.client = client;
    this.#time = time;
    process.onDeath(() => client.close());
  }

  get reachesServer(): boolean {
    return !this.isCut && !this.process.isDead;
  }

  /** What the client believes. */
  get looksConnected(): boolean {
    return !this.isCut || this.#time.nowMs < this.#noticedAtMs;
  }

  cut(noticedAfterMs: number): void {
    if (this.isCut) return;
    this.isCut = true;
    this.#noticedAtMs = this.#time.nowMs + noticedAfterMs;
    this.client.cut();
  }

  heal(): void {
    if (!this.isCut) return;
    this.isCut = false;
    this.client.heal();
  }
}

/** The simulated NATS: buckets on a server's own clock, and the ways between it and the processes. */
export class SimNetwork {
  readonly time: VirtualTime;
  readonly random: Prng;
  readonly weather: Weather = { ...FAIR };
  readonly links = new Set<Link>();
  onWrite: WriteListener = () => {};
  /** No stream has a leader until then: writes and reads fail, tails stand still, messages go through. */
  leaderlessUntilMs = 0;
  #nats: MemoryNats;
  #history = new Map<string, Remembered[]>();
  #writer: Sender | null = null;
  readonly #epochMs: number;
  #connections = 0;

  constructor(time: VirtualTime, random: Prng, epochMs: number) {
    this.time = time;
    this.random = random;
    this.#epochMs = epochMs;
    this.#nats = this.#make();
  }

  connect(process: SimProcess): Link {
    this.#connections += 1;
    const client = this.#nats.client(`${process.name}/${this.#connections}`);
    const link = new Link(process, client, this.time);
    this.links.add(link);
    process.onDeath(() => this.links.delete(link));
    return link;
  }

  get isLeaderless(): boolean {
    return this.time.nowMs < this.leaderlessUntilMs;
  }

  /** Empty buckets take the place of these, which late writes still reach and nobody reads. */
  replaceBuckets(): void {
    this.#history = new Map();
    this.#nats = this.#make();
  }

  blindTails(): void {
    this.#nats.blindTails();
  }

  /** One way through the network. */
  delayMs(): number {
    const { random } = this;
    if (random.chance(this.weather.late)) return random.between(50, 900);
    return random.between(1, 6);
  }

  /** For each message, the ways that it takes: none when it is lost, two when it comes twice. */
  ways(): number[] {
    const { random, weather } = this;
    if (random.chance(weather.lost)) return [];
    const first = random.chance(weather.late / 8)
      ? random.between(1_000, LATE_MESSAGE_MS_MAX)
      : this.delayMs();
    return random.chance(weather.doubled) ? [first, first + random.between(0, 3_000)] : [first];
  }

  fate(): Fate {
    const { random, weather } = this;
    if (!random.chance(weather.doubtful)) return 'answered';
    const kind = random.pick(['landed', 'lost', 'late'] as const);
    return kind === 'late' ? { lateMs: random.between(100, LATE_WRITE_MS_MAX) } : kind;
  }

  noticedAfterMs(): number {
    return this.random.between(0, NOTICED_MS_MAX);
  }

  bucket(name: string) {
    return this.#nats.bucket(name);
  }

  /** The server's side of a write; whoever listens to revisions learns who sent it. */
  write(
    bucket: ReturnType<SimNetwork['bucket']>,
    write: BucketWrite,
    sender: Sender | null,
  ): WriteOutcome {
    this.#writer = sender;
    try {
      return bucket.write(write);
    } finally {
      this.#writer = null;
    }
  }

  /**
   * The server's side of a read: the newest entry, or in bad weather one that was the newest a moment ago. Of meta
   * nothing is decided by, so it is always read as it is.
   */
  read(name: string, bucket: ReturnType<SimNetwork['bucket']>, key: string): KvEntry | null {
    if (name === 'podctl_meta' || !this.random.chance(this.weather.stale)) return bucket.read(key);
    const beforeMs = this.time.nowMs - this.random.between(0, STALE_MS_MAX);
    const known = this.#history.get(`${name}/${key}`) ?? [];
    return known.findLast(({ atMs }) => atMs <= beforeMs)?.entry ?? null;
  }

  #make(): MemoryNats {
    const clock = new WorldClock(this.time, this.#epochMs);
    const nats = new MemoryNats(clock, {
      onError: (error) => {
        throw error;
      },
    });
    for (const name of ['podctl_state', 'podctl_meta', 'podctl_lead']) {
      nats.bucket(name).onWrite((entry) => {
        if (nats !== this.#nats) return;
        this.#remember(`${name}/${entry.key}`, entry);
        this.onWrite(name, entry, this.#writer);
      });
    }
    return nats;
  }

  #remember(id: string, entry: KvEntry): void {
    const known = this.#history.get(id) ?? [];
    known.push({ atMs: this.time.nowMs, entry });
    if (known.length > 20) known.shift();
    this.#history.set(id, known);
  }
}
