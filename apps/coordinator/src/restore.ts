import { randomBytes } from 'node:crypto';
import { firstRevision } from '@podctl/domain/first-revision.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import { TERM_RULES } from '@podctl/domain/term.ts';
import { AuthorityError } from '@podctl/platform/authority/authority.ts';
import type { CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import { Leadership } from '@podctl/platform/leadership.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { BucketMismatch, openBucket } from '@podctl/platform/nats/bucket.ts';
import { keysIn, loadKeys, openForLoad } from '@podctl/platform/nats/bulk-load.ts';
import { connectNats, type NatsLink, NatsRefused } from '@podctl/platform/nats/connection.ts';
import { natsKv } from '@podctl/platform/nats/kv.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import { namedKeys } from './security.ts';
import { BackupFileError, type CheckedBackup, checkBackup } from './shell/backup-file.ts';
import { openLibraryOf } from './shell/library-folder.ts';
import { RestoreRefused, type RestoreResult, restoreBackup } from './shell/restore.ts';

/** What is told on stdout, one JSON line each. */
export type RestoreNews =
  | {
      readonly kind: 'progress';
      readonly phase: 'checking' | 'waiting' | 'writing';
      readonly keys: number;
      /** 0 when it is not known. */
      readonly total: number;
    }
  | ({ readonly kind: 'done'; readonly file: CheckedBackup } & RestoreResult)
  | { readonly kind: 'failed'; readonly refused: boolean; readonly message: string };

const EXIT_REFUSED = 1;
const TELL_EVERY_MS = 500;
const LEAD_TIMEOUT_MS = 1_500;
const CONNECT_WITHIN_MS = 10_000;
/** A leader that was killed is thought to live for the life of its key, and a new one waits a little more. */
const LEAD_WITHIN_TTLS = 2.5;

/**
 * Restores a backup, in the place of a coordinator: it holds the leader's key meanwhile, so that none can lead. Resolves to
 * the exit code, having told what came of it.
 */
export async function runRestore(
  bootstrap: CoordinatorBootstrap,
  file: string,
  log: Logger,
  signal: AbortSignal,
): Promise<number> {
  const tell = (news: RestoreNews) => process.stdout.write(`${JSON.stringify(news)}\n`);
  try {
    const progress = sparing(tell);
    const checked = await checkBackup(file, signal, (keys) => progress('checking', keys, 0));
    const link = await connect(bootstrap, log, signal);
    try {
      progress('waiting', 0, checked.keys);
      const work = (until: AbortSignal) =>
        restoreInto(link, bootstrap, file, checked, until, (keys) =>
          progress('writing', keys, checked.keys),
        );
      const result = await asLeader(link, bootstrap, log, signal, work);
      tell({ kind: 'done', file: checked, ...result });
      return 0;
    } finally {
      await link.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const message = sentenceOf(error);
    if (message === null) throw error;
    tell({ kind: 'failed', refused: error instanceof RestoreRefused, message });
    return EXIT_REFUSED;
  }
}

function sentenceOf(error: unknown): string | null {
  if (error instanceof BackupFileError || error instanceof RestoreRefused) return error.message;
  if (error instanceof BucketMismatch || error instanceof NatsRefused) return error.message;
  if (error instanceof AuthorityError || error instanceof LibraryError) return error.message;
  if (error instanceof KvUnavailable)
    return `${error.message}: when NATS answers again, run the same command again, and it begins anew`;
  return null;
}

async function restoreInto(
  link: NatsLink,
  bootstrap: CoordinatorBootstrap,
  file: string,
  checked: CheckedBackup,
  signal: AbortSignal,
  told: (keys: number) => void,
): Promise<RestoreResult> {
  const { replicas } = bootstrap.settings.nats;
  const opened = checked.header.transcripts === true ? await openLibraryOf(bootstrap) : null;
  const first = firstRevision(systemClock.wallMs(), checked.header.revision);
  const open = (name: string, from: number) =>
    openForLoad(link, { name, replicas, firstRevision: from }, systemClock, signal);
  const buckets = { state: await open(BUCKETS.state, first), meta: await open(BUCKETS.meta, 1) };
  const ports = { clock: systemClock, random: Math.random, onError: () => undefined };
  return restoreBackup(
    {
      state: natsKv(buckets.state, ports),
      stateKeys: () => keysIn(buckets.state),
      load: (bucket, keys) => loadKeys(buckets[bucket], keys),
      randomBytes: (count) => randomBytes(count),
      library: opened?.library ?? null,
      told,
    },
    file,
    checked,
    signal,
  );
}

/** Does the work under the leader's key. Rejects with RestoreRefused when another holds it, or it is lost. */
async function asLeader<T>(
  link: NatsLink,
  { settings, proveAlone }: CoordinatorBootstrap,
  log: Logger,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { ttlMs } = settings.leader;
  const rules = { ...TERM_RULES, ttlMs, renewEveryMs: ttlMs / 3, pollEveryMs: ttlMs / 3 };
  const options = {
    name: BUCKETS.lead,
    replicas: settings.nats.replicas,
    timeoutMs: LEAD_TIMEOUT_MS,
  };
  const bucket = await openBucket(link, options, systemClock, signal);
  const onError = (error: unknown) =>
    log.warn(
      { reason: error instanceof Error ? error.message : 'unknown' },
      'trouble with the lead',
    );
  const result = Promise.withResolvers<T>();
  const begun = new AbortController();
  const leadership = new Leadership({
    kv: natsKv(bucket, { clock: systemClock, random: Math.random, onError }),
    clock: systemClock,
    rules,
    coordinator: 'podctl backup restore',
    address: '',
    randomBytes: (count) => randomBytes(count),
    proveAlone,
    onError,
    onLead: async (_reign, reignEnds) => {
      begun.abort();
      const lost = () => result.reject(new RestoreRefused(LOST));
      reignEnds.addEventListener('abort', lost, { once: true });
      await work(AbortSignal.any([signal, reignEnds])).then(result.resolve, result.reject);
    },
  });
  const patience = systemClock.sleep(LEAD_WITHIN_TTLS * ttlMs, begun.signal).then(
    () => {
      const who = leadership.leader()?.coordinator ?? 'unknown';
      result.reject(new RestoreRefused(`a coordinator leads there (${who}): ${STOP_THEM}`));
    },
    () => undefined,
  );
  const stop = () => result.reject(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  try {
    await leadership.start();
    return await result.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    begun.abort();
    await patience;
    await leadership.stop();
  }
}

const STOP_THEM = 'stop every coordinator, then run the same command again';
const LOST = `the leader's key was lost while it was written: ${STOP_THEM}, and it begins anew`;

function sparing(tell: (news: RestoreNews) => void) {
  let toldAtMs = Number.NEGATIVE_INFINITY;
  let told = '';
  return (phase: 'checking' | 'waiting' | 'writing', keys: number, total: number): void => {
    const nowMs = systemClock.monotonicMs();
    if (phase === told && nowMs - toldAtMs < TELL_EVERY_MS) return;
    told = phase;
    toldAtMs = nowMs;
    tell({ kind: 'progress', phase, keys, total });
  };
}

async function connect(bootstrap: CoordinatorBootstrap, log: Logger, signal: AbortSignal) {
  return await connectNats(
    {
      ...(await natsLogin(bootstrap.nats, await namedKeys(bootstrap))),
      name: 'podctl-restore',
      connectWithinMs: CONNECT_WITHIN_MS,
    },
    {
      clock: systemClock,
      random: Math.random,
      listen: (event) => {
        if (event.kind === 'trouble')
          log.warn({ reason: event.error.message }, 'trouble with NATS');
      },
    },
    signal,
  );
}
