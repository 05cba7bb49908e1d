import type {
  AudioRemoval,
  DeadLock,
  Done,
  EndedByHand,
  EpisodeState,
  FreeLock,
  HeldLock,
  Lock,
  StageState,
} from './episode-state.ts';
import { FRESH_LOCK } from './episode-state.ts';
import { type AgentId, agentId, clusterId, isEpoch, isSession, isToken, nonce } from './ids.ts';
import { isQuality, type ManifestRef } from './manifest.ts';
import { err, ok, type Result } from './result.ts';
import { STAGES, type Stage } from './stage.ts';

/**
 * The value of an episode's key, as JSON with positions instead of names: a fresh episode is about 90 bytes, a finished
 * one about 270, of which two SHA-256 are 128. A million of them are tailed by every coordinator.
 *   {"v":1,"c":cluster,"n":nonce,"d":stage,"t":stage}     stage: [wanted, [request], lock, done]
 *   lock: 0 | ["f",failures,[lostBy],notBeforeMs,reason] | ["h",run,token,agent,session,epoch,nonce,sinceMs,failures,[lostBy]]
 *       | ["c", …as "h", manifest] | ["x",run,failures,[lostBy],reason] and at the end 1 of a skipped one, 2 of a canceled one
 *   done: 0 | [run,token,manifest] and at the end 1 while its audio is taken away, 2 when it is gone, 3 when it was purged
 *   manifest: [sha256, files, bytes, audioSeconds] and at the end a transcript's quality, if it is known
 *   "w", absent where nobody wished: {"t":[run,model]}, apart from the stages, so that older versions read them all the same
 */
export const EPISODE_VALUE_BYTES_MAX = 8_192;

const ENDED_CODE: { readonly [E in EndedByHand]: number } = { skipped: 1, canceled: 2 };
const ENDED: readonly EndedByHand[] = ['skipped', 'canceled'];
const REMOVAL_CODE: { readonly [R in AudioRemoval]: number } = { going: 1, gone: 2 };
const REMOVALS: readonly AudioRemoval[] = ['going', 'gone'];
const PURGED_CODE = 3;
const STAGE_FIELD: { readonly [S in Stage]: string } = { download: 'd', transcribe: 't' };

export function encodeEpisode(state: EpisodeState): string {
  const value: Record<string, unknown> = { v: 1, c: state.cluster, n: state.nonce };
  for (const stage of STAGES) value[STAGE_FIELD[stage]] = encodeStage(state.stages[stage]);
  const wishes = STAGES.flatMap((stage) => {
    const { wish } = state.stages[stage];
    return wish === undefined ? [] : [[STAGE_FIELD[stage], [wish.run, wish.model]]];
  });
  if (wishes.length > 0) value.w = Object.fromEntries(wishes);
  return JSON.stringify(value);
}

/** Errors name what was wrong. A value that cannot be read is passed over and counted, never overwritten. */
export function decodeEpisode(text: string): Result<EpisodeState, string> {
  if (text.length > EPISODE_VALUE_BYTES_MAX)
    return err(`longer than ${EPISODE_VALUE_BYTES_MAX} bytes`);
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return err('not an object');
    const fields = value as Record<string, unknown>;
    if (fields.v !== 1) return err(`version ${quote(fields.v)} is not 1`);
    return ok({
      cluster: branded(clusterId, fields.c),
      nonce: branded(nonce, fields.n),
      stages: {
        download: stageIn(fields, STAGE_FIELD.download),
        transcribe: stageIn(fields, STAGE_FIELD.transcribe),
      },
    });
  } catch (error) {
    return err(error instanceof Error ? error.message : 'unreadable');
  }
}

function stageIn(fields: Readonly<Record<string, unknown>>, field: string): StageState {
  const stage = decodeStage(fields[field]);
  const wishes = fields.w;
  if (typeof wishes !== 'object' || wishes === null) return stage;
  const wish = (wishes as Readonly<Record<string, unknown>>)[field];
  if (wish === undefined) return stage;
  const [run, model] = tuple(wish, 2);
  return { ...stage, wish: { run: count(run), model: string(model) } };
}

function encodeStage({ wanted, requests, lock, done }: StageState): unknown {
  return [wanted, requests, encodeLock(lock), done === null ? 0 : encodeDone(done)];
}

function encodeDone({ run, token, manifest, audio, purged }: Done): unknown[] {
  const kept = [run, token, encodeRef(manifest)];
  if (purged === true) return [...kept, PURGED_CODE];
  return audio === undefined ? kept : [...kept, REMOVAL_CODE[audio]];
}

function encodeLock(lock: Lock): unknown {
  switch (lock.state) {
    case 'free': {
      const fresh =
        lock.failures === 0 &&
        lock.lostBy.length === 0 &&
        lock.notBeforeMs === 0 &&
        lock.reason === null;
      return fresh ? 0 : ['f', lock.failures, lock.lostBy, lock.notBeforeMs, lock.reason];
    }
    case 'held':
      return ['h', ...encodeHolding(lock)];
    case 'committed':
      return ['c', ...encodeHolding(lock), encodeRef(lock.manifest)];
    case 'dead':
      return [
        ...['x', lock.run, lock.failures, lock.lostBy, lock.reason],
        ...(lock.ended === undefined ? [] : [ENDED_CODE[lock.ended]]),
      ];
  }
}

function encodeHolding(lock: Omit<HeldLock, 'state'>): unknown[] {
  return [
    lock.run,
    lock.token,
    lock.agent,
    lock.session,
    lock.epoch,
    lock.nonce,
    lock.sinceMs,
    lock.failures,
    lock.lostBy,
  ];
}

function encodeRef(ref: ManifestRef): unknown {
  const kept = [ref.sha256, ref.files, ref.bytes, ref.audioSeconds];
  return ref.quality === undefined ? kept : [...kept, ref.quality];
}

function decodeStage(value: unknown): StageState {
  const [wanted, requests, lock, done] = tuple(value, 4);
  return {
    wanted: count(wanted),
    requests: list(requests).map(string),
    lock: lock === 0 ? FRESH_LOCK : decodeLock(list(lock)),
    done: done === 0 ? null : decodeDone(done),
  };
}

function decodeLock(value: readonly unknown[]): Lock {
  switch (value[0]) {
    case 'f':
      return decodeFree(value);
    case 'h':
      return { state: 'held', ...decodeHolding(value) };
    case 'c':
      return { ...decodeHolding(value), state: 'committed', manifest: decodeRef(value[10]) };
    case 'x':
      return decodeDead(value);
    default:
      throw new Error(`lock ${quote(value[0])} is not one of f, h, c, x`);
  }
}

function decodeDead(value: readonly unknown[]): DeadLock {
  const ended = ENDED.find((word) => ENDED_CODE[word] === value[5]);
  return {
    state: 'dead',
    run: count(value[1]),
    failures: count(value[2]),
    lostBy: agents(value[3]),
    reason: string(value[4]),
    ...(ended === undefined ? {} : { ended }),
  };
}

function decodeFree(value: readonly unknown[]): FreeLock {
  const reason = value[4] === null ? null : string(value[4]);
  return {
    state: 'free',
    failures: count(value[1]),
    lostBy: agents(value[2]),
    notBeforeMs: count(value[3]),
    reason,
  };
}

function decodeHolding(value: readonly unknown[]): Omit<HeldLock, 'state'> {
  const [, run, token, agent, session, epoch, writer, sinceMs, failures, lostBy] = value;
  return {
    run: count(run),
    token: revision(token, isToken),
    agent: branded(agentId, agent),
    session: revision(session, isSession),
    epoch: revision(epoch, isEpoch),
    nonce: branded(nonce, writer),
    sinceMs: count(sinceMs),
    failures: count(failures),
    lostBy: agents(lostBy),
  };
}

function decodeDone(value: unknown): Done {
  const [run, token, manifest, code] = tuple(value, list(value).length === 4 ? 4 : 3);
  const audio = REMOVALS.find((word) => REMOVAL_CODE[word] === code);
  const isPurged = code === PURGED_CODE;
  if (code !== undefined && audio === undefined && !isPurged)
    throw new Error(`a result of kind ${quote(code)} is not known`);
  return {
    run: count(run),
    token: revision(token, isToken),
    manifest: decodeRef(manifest),
    ...(audio === undefined ? {} : { audio }),
    ...(isPurged ? { purged: true } : {}),
  };
}

function decodeRef(value: unknown): ManifestRef {
  const length = list(value).length === 5 ? 5 : 4;
  const [sha256, files, bytes, audioSeconds, quality] = tuple(value, length);
  if (!/^[0-9a-f]{64}$/.test(string(sha256))) throw new Error('a manifest has no SHA-256');
  return {
    sha256: string(sha256),
    files: count(files),
    bytes: count(bytes),
    audioSeconds: audioSeconds === null ? null : seconds(audioSeconds),
    ...(quality === undefined ? {} : { quality: qualityOf(quality) }),
  };
}

function agents(value: unknown): AgentId[] {
  return list(value).map((id) => branded(agentId, id));
}

function branded<T extends string>(parse: (text: string) => Result<T, string>, value: unknown): T {
  const parsed = parse(string(value));
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function revision<T extends number>(value: unknown, is: (n: number) => n is T): T {
  const n = count(value);
  if (!is(n)) throw new Error(`${n} is not a revision`);
  return n;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error('a list was expected');
  return value;
}

function tuple(value: unknown, length: number): readonly unknown[] {
  const items = list(value);
  if (items.length !== length) throw new Error(`a list of ${length} was expected`);
  return items;
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error(`${quote(value)} is not a count`);
  return value;
}

function seconds(value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0)
    throw new Error(`${quote(value)} is not a time`);
  return value;
}

function qualityOf(value: unknown): number {
  if (typeof value === 'number' && isQuality(value)) return value;
  throw new Error(`${quote(value)} is no quality`);
}

/** Short enough to log, whatever it is. */
function quote(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 40);
}

function string(value: unknown): string {
  if (typeof value !== 'string') throw new Error('a text was expected');
  return value;
}
