import { type ClusterId, clusterId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';

/**
 * A backup is JSON lines: a header, one line for each key, a trailer. In a file they are gzipped.
 *   {"format":"podctl-backup","version":1,"cluster":…,"revision":…,"time":ISO 8601,"podctl":…,"episodes":…,"feeds":…}
 *   ["state","job.<feed>.<episode>","<the key's value, as it is>"]      and so on, "meta" for the other bucket
 *   {"file":path in the library,"text":a part of it,"last":true with its last part}     transcripts, where they were asked for
 *   {"end":true,"keys":…,"sha256":SHA-256 of all bytes before this line}
 * Version 1 is read for as long as there is podctl; a change that version 1's reader would misread is version 2.
 */
export const BACKUP_FORMAT = 'podctl-backup';
export const BACKUP_VERSION = 1;
/** No line of ours comes near: an episode's value has at most 8 KiB. */
export const LINE_LENGTH_MAX = 4 * 1_024 * 1_024;

export interface BackupHeader {
  readonly cluster: ClusterId;
  /** The newest revision of the state when it began. */
  readonly revision: number;
  readonly time: string;
  /** The version that made it. */
  readonly podctl: string;
  /** As many as there were when it began. */
  readonly episodes: number;
  readonly feeds: number;
  /** Files of transcripts follow the keys. */
  readonly transcripts?: boolean | undefined;
}

/** A file of the library in parts, one after the other. */
export interface BackupFilePart {
  readonly path: string;
  readonly text: string;
  readonly isLast: boolean;
}

export interface BackupEntry {
  readonly bucket: 'state' | 'meta';
  readonly key: string;
  readonly value: string;
}

export interface BackupTrailer {
  readonly keys: number;
  readonly sha256: string;
}

export type BackupLine =
  | { readonly kind: 'header'; readonly header: BackupHeader }
  | { readonly kind: 'entry'; readonly entry: BackupEntry }
  | { readonly kind: 'file'; readonly part: BackupFilePart }
  | { readonly kind: 'trailer'; readonly trailer: BackupTrailer };

export function headerLine(header: BackupHeader): string {
  return `${JSON.stringify({ format: BACKUP_FORMAT, version: BACKUP_VERSION, ...header })}\n`;
}

export function entryLine({ bucket, key, value }: BackupEntry): string {
  return `${JSON.stringify([bucket, key, value])}\n`;
}

export function fileLine({ path, text, isLast }: BackupFilePart): string {
  return `${JSON.stringify({ file: path, text, last: isLast })}\n`;
}

export function trailerLine({ keys, sha256 }: BackupTrailer): string {
  return `${JSON.stringify({ end: true, keys, sha256 })}\n`;
}

/** Reads one line, without its line feed. Errors continue "line 7 …". */
export function readLine(line: string): Result<BackupLine, string> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return err('is no JSON');
  }
  if (Array.isArray(value)) return entryOf(value);
  if (typeof value !== 'object' || value === null) return err('is none of a backup');
  const fields = value as Record<string, unknown>;
  if (fields.end === true) return trailerOf(fields);
  if (fields.file !== undefined) return fileOf(fields);
  return fields.format === BACKUP_FORMAT ? headerOf(fields) : err('is none of a backup');
}

function entryOf(fields: readonly unknown[]): Result<BackupLine, string> {
  const [bucket, key, value] = fields;
  if (fields.length !== 3 || typeof key !== 'string' || typeof value !== 'string')
    return err('is no key with its value');
  if (bucket !== 'state' && bucket !== 'meta') return err('is of no bucket that podctl has');
  if (!/^[\w=/-]+(?:\.[\w=/-]+)*$/.test(key)) return err('has a key that podctl does not write');
  return ok({ kind: 'entry', entry: { bucket, key, value } });
}

/** Of a transcription that was accepted, and of nothing else: a changed backup writes nowhere else. */
const TRANSCRIPT_FILE =
  /^episodes\/[a-z0-9-]+\/[a-z2-7]{26}\/transcribe\/r\d+-\d+\/[a-z0-9-][a-z0-9.-]{0,63}$/;

function fileOf({ file: path, text, last }: Record<string, unknown>): Result<BackupLine, string> {
  if (typeof path !== 'string' || typeof text !== 'string' || typeof last !== 'boolean')
    return err('is no part of a file');
  if (!TRANSCRIPT_FILE.test(path)) return err('has a file that is no transcript of podctl');
  return ok({ kind: 'file', part: { path, text, isLast: last } });
}

function trailerOf({ keys, sha256 }: Record<string, unknown>): Result<BackupLine, string> {
  if (!isCount(keys) || typeof sha256 !== 'string') return err('is no end of a backup');
  return ok({ kind: 'trailer', trailer: { keys, sha256 } });
}

function headerOf(fields: Record<string, unknown>): Result<BackupLine, string> {
  const { version, cluster, revision, time, podctl, episodes, feeds, transcripts } = fields;
  if (version !== BACKUP_VERSION)
    return err(`says format version ${JSON.stringify(version)}, and this podctl reads 1`);
  const id = clusterId(String(cluster));
  const isWhole = isCount(revision) && isCount(episodes) && isCount(feeds);
  if (!id.ok || !isWhole || typeof time !== 'string' || typeof podctl !== 'string')
    return err('is no head of a backup');
  const of = transcripts === true ? { transcripts } : {};
  const header = { cluster: id.value, revision, time, podctl, episodes, feeds, ...of };
  return ok({ kind: 'header', header });
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
