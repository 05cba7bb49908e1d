import { clusterIdFrom } from '@podctl/domain/ids.ts';
import { CLUSTER_KEY } from '@podctl/domain/key.ts';
import type { Kv, KvEntry } from '@podctl/platform/kv.ts';
import type { Library } from '@podctl/platform/library.ts';
import { BATCH_KEYS_MAX } from '@podctl/platform/nats/bulk-load.ts';
import { clusterRecord, restoringRecord } from '@podctl/platform/records.ts';
import type { BackupEntry } from '../core/backup.ts';
import { restored } from '../core/restore.ts';
import { BackupReader, type CheckedBackup } from './backup-file.ts';
import { RestoredFiles } from './restored-files.ts';

export interface LoadedKey {
  readonly key: string;
  readonly value: Uint8Array;
}

export interface RestorePorts {
  readonly state: Kv;
  /** Keys in the state bucket, markers included. */
  stateKeys(): Promise<number>;
  /** Writes all of them or none. */
  load(bucket: BackupEntry['bucket'], keys: readonly LoadedKey[]): Promise<void>;
  randomBytes(count: number): Uint8Array;
  /** Where the backup's transcripts go; null: it has none. */
  readonly library: Pick<Library, 'stat' | 'write'> | null;
  told(keys: number): void;
}

export interface RestoreResult {
  readonly cluster: string;
  readonly keys: number;
  /** Locks that were held, and are free now. */
  readonly freed: number;
  /** Sessions of the old world, which are not restored. */
  readonly leftOut: number;
  /** Files of transcripts that the library did not have. */
  readonly files: number;
}

/** The server is not one that this backup may be restored into. The message is one sentence. */
export class RestoreRefused extends Error {
  override readonly name = 'RestoreRefused';
}

const BATCH_BYTES_MAX = 512 * 1_024;
const BATCHES_AT_ONCE = 4;

/**
 * Writes a backup into empty buckets. States: refused; or `restoring` stands under the cluster's key, then every key is
 * written, then the new cluster's id takes its place. Until then nobody leads (see cluster.ts). Cut off anywhere, the same
 * command begins again: it writes the same values. Only for who holds the leader's key.
 */
export async function restoreBackup(
  ports: RestorePorts,
  path: string,
  { sha256 }: CheckedBackup,
  signal: AbortSignal,
): Promise<RestoreResult> {
  const marker = await begin(ports, path, sha256);
  const loader = new Loader(ports);
  const files = ports.library === null ? null : new RestoredFiles(ports.library, signal);
  const reader = new BackupReader(path, async (part) => await files?.take(part));
  for await (const entry of reader.entries(signal)) {
    signal.throwIfAborted();
    await loader.add(entry);
  }
  await loader.end();
  if (reader.checked().sha256 !== sha256)
    throw new RestoreRefused(`${path} was changed while it was read: run the same command again`);
  signal.throwIfAborted();
  const cluster = clusterIdFrom(ports.randomBytes(10));
  await write(ports.state, marker, clusterRecord.encode({ cluster }));
  const { keys, freed, leftOut } = loader;
  return { cluster, keys, freed, leftOut, files: files?.written ?? 0 };
}

/** Gives the revision of the marker. */
async function begin(ports: RestorePorts, path: string, sha256: string): Promise<number> {
  const found = await ports.state.get(CLUSTER_KEY);
  if ((await ports.stateKeys()) > 0) {
    refuseUnlessOurs(found, sha256);
    return found?.revision ?? 0;
  }
  const value = restoringRecord.encode({ restoring: { sha256, file: path } });
  return write(ports.state, 0, value);
}

function refuseUnlessOurs(found: KvEntry | null, sha256: string): void {
  const record = found?.kind === 'value' ? restoringRecord.decode(found.value) : null;
  if (record?.ok !== true)
    throw new RestoreRefused(
      'this NATS server holds the state of a fleet already: restore into an empty one, or move its data away first',
    );
  const { restoring } = record.value;
  if (restoring.sha256 !== sha256)
    throw new RestoreRefused(
      `this NATS server holds half of another backup (${restoring.file}): end that restore with its file, or move the server's data away first`,
    );
}

async function write(state: Kv, expected: number, value: Uint8Array): Promise<number> {
  const outcome = await state.cas(CLUSTER_KEY, expected, value);
  switch (outcome.kind) {
    case 'written':
      return outcome.revision;
    case 'conflict':
      throw new RestoreRefused(
        'somebody else wrote the state meanwhile: stop every coordinator, and look at "podctl status" before anything else',
      );
    case 'unknown':
      throw outcome.cause;
  }
}

/** Gathers keys into batches, a few of them under way at a time. */
class Loader {
  keys = 0;
  freed = 0;
  leftOut = 0;
  readonly #ports: RestorePorts;
  readonly #encoder = new TextEncoder();
  readonly #gathered = {
    state: { keys: [] as LoadedKey[], bytes: 0 },
    meta: { keys: [] as LoadedKey[], bytes: 0 },
  };
  readonly #underWay = new Set<Promise<void>>();
  #failed: unknown = null;

  constructor(ports: RestorePorts) {
    this.#ports = ports;
  }

  async add(entry: BackupEntry): Promise<void> {
    const after = restored(entry);
    if (after.kind === 'leave_out') {
      this.leftOut += 1;
      return;
    }
    this.freed += after.freed;
    const value = this.#encoder.encode(after.value);
    const gathered = this.#gathered[entry.bucket];
    gathered.keys.push({ key: entry.key, value });
    gathered.bytes += value.length;
    if (gathered.keys.length >= BATCH_KEYS_MAX || gathered.bytes >= BATCH_BYTES_MAX)
      await this.#send(entry.bucket);
  }

  async end(): Promise<void> {
    await this.#send('state');
    await this.#send('meta');
    await Promise.all(this.#underWay);
    if (this.#failed !== null) throw this.#failed;
  }

  async #send(bucket: BackupEntry['bucket']): Promise<void> {
    const gathered = this.#gathered[bucket];
    const keys = gathered.keys;
    gathered.keys = [];
    gathered.bytes = 0;
    while (this.#underWay.size >= BATCHES_AT_ONCE) await Promise.race(this.#underWay);
    if (this.#failed !== null) throw this.#failed;
    const sent = this.#ports.load(bucket, keys).then(
      () => {
        this.keys += keys.length;
        this.#ports.told(this.keys);
      },
      (error: unknown) => {
        this.#failed ??= error;
      },
    );
    this.#underWay.add(sent);
    void sent.then(() => this.#underWay.delete(sent));
  }
}
