import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeEpisode } from '@podctl/domain/episode-codec.ts';
import { BUCKETS, parseStateKey } from '@podctl/domain/key.ts';
import { STAGES } from '@podctl/domain/stage.ts';
import { openAuthority } from '@podctl/platform/authority/authority.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import type { KvEntry, Tail } from '@podctl/platform/kv.ts';
import { openBucket } from '@podctl/platform/nats/bucket.ts';
import { connectNats, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';

/** One write to an episode's key, as it was delivered. */
export interface RecordedRevision {
  readonly revision: number;
  readonly feed: string;
  readonly episode: string;
  readonly stages: {
    readonly [stage: string]: {
      readonly lock: string;
      /** The token that holds it, or held it when it was committed; null else. */
      readonly token: number | null;
      /** `run-token` of the accepted result; null before. */
      readonly done: string | null;
    };
  };
}

/**
 * Keeps every revision of the state bucket that a tail of the real NATS delivers, over several lives of `podctl up`:
 * the bucket itself keeps only the newest of each key.
 */
export class RevisionRecorder {
  readonly revisions: RecordedRevision[] = [];
  /** Revisions that could not be read: a test must find none. */
  readonly unreadable: string[] = [];
  readonly #seen = new Set<number>();
  readonly #stopping = new AbortController();
  #link: NatsLink | null = null;
  #tail: Tail | null = null;

  /** Follows the embedded server of a data folder that is running now. */
  async attach(dataDir: string): Promise<void> {
    await this.detach();
    const authority = await openAuthority(join(dataDir, 'authority'));
    if (authority === null) throw new Error(`there are no keys of a fleet in ${dataDir}`);
    const { folder, ca } = authority;
    const servers = [await serverUrl(join(dataDir, 'nats', 'ports'))];
    const access = { servers, as: { kind: 'authority', folder }, ca: ca.certPem } as const;
    const ports = { clock: systemClock, random: Math.random, listen: () => undefined };
    const { signal } = this.#stopping;
    this.#link = await connectNats(
      { ...(await natsLogin(access, authority)), name: 'revision-recorder' },
      ports,
      signal,
    );
    const options = { name: BUCKETS.state, replicas: 1 } as const;
    const bucket = await openBucket(this.#link, options, systemClock, signal);
    const kv = natsKv(bucket, { ...ports, onError: () => undefined });
    const current = Promise.withResolvers<void>();
    this.#tail = kv.tail({
      entry: (entry) => this.#record(entry),
      current: () => current.resolve(),
    });
    await this.#tail.start();
    await current.promise;
  }

  /** Safe twice, and after the server's death. */
  async detach(): Promise<void> {
    await this.#tail?.stop();
    await this.#link?.close();
    this.#tail = null;
    this.#link = null;
  }

  /** Per episode, the different accepted results of a stage that were ever seen. */
  accepted(stage: (typeof STAGES)[number]): Map<string, Set<string>> {
    const results = new Map<string, Set<string>>();
    for (const { episode, stages } of this.revisions) {
      const known = results.get(episode) ?? new Set();
      const done = stages[stage]?.done ?? null;
      if (done !== null) known.add(done);
      results.set(episode, known);
    }
    return results;
  }

  #record(entry: KvEntry): void {
    const key = parseStateKey(entry.key);
    if (key.kind !== 'job' || entry.kind !== 'value' || this.#seen.has(entry.revision)) return;
    this.#seen.add(entry.revision);
    const state = decodeEpisode(new TextDecoder().decode(entry.value));
    if (!state.ok) {
      this.unreadable.push(`${entry.key}: ${state.error}`);
      return;
    }
    const stages = STAGES.map((stage) => {
      const { lock, done } = state.value.stages[stage];
      const token = 'token' in lock ? lock.token : null;
      const accepted = done === null ? null : `${done.run}-${done.token}`;
      return [stage, { lock: lock.state, token, done: accepted }] as const;
    });
    const { feed, episode } = key;
    const { revision } = entry;
    this.revisions.push({ revision, feed, episode, stages: Object.fromEntries(stages) });
  }
}

async function serverUrl(folder: string): Promise<string> {
  const [name] = (await readdir(folder)).filter((file) => file.endsWith('.ports'));
  if (name === undefined) throw new Error(`no nats-server has written its ports into ${folder}`);
  const { nats } = JSON.parse(await readFile(join(folder, name), 'utf8')) as { nats: string[] };
  return nats[0] ?? '';
}
