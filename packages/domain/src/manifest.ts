import {
  type AgentId,
  agentId,
  type ClusterId,
  clusterId,
  type EpisodeId,
  episodeId,
  type FeedId,
  feedId,
  isSession,
  isToken,
  type SessionId,
  type Token,
} from './ids.ts';
import { err, ok, type Result } from './result.ts';
import { isStage, type Stage } from './stage.ts';

/** Written last into an attempt's staging folder: where it is, the attempt is complete. */
export const MANIFEST_NAME = 'manifest.json';
export const MANIFEST_BYTES_MAX = 64 * 1024;
export const FILES_MAX = 64;
const DETAILS_MAX = 64;
const DETAIL_TEXT_MAX = 1024;

/** The artifacts of one attempt. */
export interface Manifest {
  readonly version: 1;
  readonly cluster: ClusterId;
  readonly feed: FeedId;
  readonly episode: EpisodeId;
  readonly stage: Stage;
  readonly run: number;
  readonly token: Token;
  readonly agent: AgentId;
  readonly session: SessionId;
  /** Not the manifest itself. */
  readonly files: readonly ManifestFile[];
  readonly audioSeconds: number | null;
  /** What the stage tells beside its files: codec, model, ETag. Keys like the files' names. */
  readonly details: Readonly<Record<string, ManifestDetail>>;
}

export type ManifestDetail = string | number | boolean | null;

export interface ManifestFile {
  /** 1 to 64 of a-z, 0-9, dot and hyphen; it does not begin with a dot. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** What the episode's state keeps of a manifest. */
export interface ManifestRef {
  /** Of the manifest file's bytes, hex. */
  readonly sha256: string;
  readonly files: number;
  /** Of the files together, without the manifest. */
  readonly bytes: number;
  readonly audioSeconds: number | null;
  /** Of a transcript: how far it is to be trusted, 0 to 1 in hundredths (docs/quality.md); absent where that is not known. */
  readonly quality?: number;
}

const namePattern = /^[a-z0-9-][a-z0-9.-]{0,63}$/;
const detailPattern = /^[a-zA-Z0-9._-]{1,64}$/;
const sha256Pattern = /^[0-9a-f]{64}$/;

/** Whether a file of an attempt may have this name; the manifest's own is one of them. */
export function isFileName(text: string): boolean {
  return namePattern.test(text);
}

/** UTF-8 JSON text, the same bytes for the same manifest. Throws on a manifest that `decodeManifest` would refuse: a bug. */
export function encodeManifest(manifest: Manifest): string {
  const details = Object.entries(manifest.details).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = `${JSON.stringify({
    version: 1,
    cluster: manifest.cluster,
    feed: manifest.feed,
    episode: manifest.episode,
    stage: manifest.stage,
    run: manifest.run,
    token: manifest.token,
    agent: manifest.agent,
    session: manifest.session,
    files: manifest.files.map(({ name, sizeBytes, sha256 }) => ({ name, sizeBytes, sha256 })),
    audioSeconds: manifest.audioSeconds,
    details: Object.fromEntries(details),
  })}\n`;
  const again = decodeManifest(text);
  if (!again.ok) throw new Error(`broken invariant: ${again.error}`);
  return text;
}

/** Strict: a key too many or too few, or a value outside its limits, is one sentence of error. */
export function decodeManifest(text: string): Result<Manifest, string> {
  if (text.length > MANIFEST_BYTES_MAX)
    return err(`the manifest is longer than ${MANIFEST_BYTES_MAX} bytes`);
  try {
    return ok(manifestFrom(JSON.parse(text)));
  } catch (error) {
    return err(`the manifest is not valid: ${error instanceof Error ? error.message : 'unknown'}`);
  }
}

/** `sha256` is the hash of the manifest file's bytes. */
export function manifestRef(manifest: Manifest, sha256: string): ManifestRef {
  const quality = qualityIn(manifest);
  return {
    sha256,
    files: manifest.files.length,
    bytes: manifest.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    audioSeconds: manifest.audioSeconds,
    ...(quality === null ? {} : { quality }),
  };
}

/** What an agent says is believed as far as it can be one. */
function qualityIn({ stage, details }: Manifest): number | null {
  const { quality } = details;
  if (stage !== 'transcribe' || typeof quality !== 'number' || !isQuality(quality)) return null;
  return Math.round(quality * 100) / 100;
}

export function isQuality(value: number): boolean {
  return value >= 0 && value <= 1;
}

function manifestFrom(value: unknown): Manifest {
  const raw = exactly(value, 'the manifest', [
    'version',
    'cluster',
    'feed',
    'episode',
    'stage',
    'run',
    'token',
    'agent',
    'session',
    'files',
    'audioSeconds',
    'details',
  ]);
  if (raw.version !== 1) throw new Error('version is not 1');
  const { stage, token, session } = raw;
  if (typeof stage !== 'string' || !isStage(stage)) throw new Error('stage is not a known stage');
  if (typeof token !== 'number' || !isToken(token)) throw new Error('token is not a revision');
  if (typeof session !== 'number' || !isSession(session))
    throw new Error('session is not a revision');
  return {
    version: 1,
    cluster: id(raw.cluster, clusterId),
    feed: id(raw.feed, feedId),
    episode: id(raw.episode, episodeId),
    stage,
    run: whole(raw.run, 'run', 1),
    token,
    agent: id(raw.agent, agentId),
    session,
    files: filesFrom(raw.files),
    audioSeconds: raw.audioSeconds === null ? null : positive(raw.audioSeconds, 'audioSeconds'),
    details: detailsFrom(raw.details),
  };
}

function filesFrom(value: unknown): readonly ManifestFile[] {
  if (!Array.isArray(value) || value.length > FILES_MAX)
    throw new Error(`files is not a list of at most ${FILES_MAX}`);
  const files = value.map(fileFrom);
  if (new Set(files.map((file) => file.name)).size !== files.length)
    throw new Error('two files have one name');
  return files;
}

function fileFrom(value: unknown): ManifestFile {
  const raw = exactly(value, 'a file', ['name', 'sizeBytes', 'sha256']);
  const { name, sha256 } = raw;
  if (typeof name !== 'string' || !namePattern.test(name) || name === MANIFEST_NAME)
    throw new Error('a file name is not 1 to 64 of a-z, 0-9, dot and hyphen');
  if (typeof sha256 !== 'string' || !sha256Pattern.test(sha256))
    throw new Error(`the SHA-256 of ${name} is not 64 hex digits`);
  return { name, sizeBytes: whole(raw.sizeBytes, `the size of ${name}`, 0), sha256 };
}

function detailsFrom(value: unknown): Readonly<Record<string, ManifestDetail>> {
  if (!isRecord(value)) throw new Error('details is not an object');
  const entries = Object.entries(value);
  if (entries.length > DETAILS_MAX) throw new Error(`details has more than ${DETAILS_MAX} keys`);
  return Object.fromEntries(entries.map(([key, detail]) => [key, detailFrom(key, detail)]));
}

function detailFrom(key: string, value: unknown): ManifestDetail {
  if (!detailPattern.test(key) || key === '__proto__')
    throw new Error('a key of details is not 1 to 64 of a-z, A-Z, 0-9, dot, underscore and hyphen');
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (typeof value === 'string' && value.length <= DETAIL_TEXT_MAX) return value;
  throw new Error(
    `details.${key} is not a text of at most ${DETAIL_TEXT_MAX}, a number, a boolean or null`,
  );
}

function exactly(value: unknown, what: string, keys: readonly string[]): Record<string, unknown> {
  if (!isRecord(value)) throw new Error(`${what} is not an object`);
  const missing = keys.find((key) => !Object.hasOwn(value, key));
  if (missing !== undefined) throw new Error(`${what} has no ${missing}`);
  if (Object.keys(value).length > keys.length) throw new Error(`${what} has unknown keys`);
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function id<T>(value: unknown, parse: (text: string) => Result<T, string>): T {
  const parsed = parse(typeof value === 'string' ? value : '');
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function whole(value: unknown, what: string, least: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`${what} is not a whole number from ${least}`);
}

function positive(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= 0) return value;
  throw new Error(`${what} is not a number from 0`);
}
