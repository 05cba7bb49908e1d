import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import { parseS3Place } from './s3-place.ts';
import type { RawSettings } from './schema.ts';

/** Every setting, resolved once in the composition root. Plain data: it can be passed to a child as JSON. */
export type Settings = ReturnType<typeof resolveSettings>;

export interface SettingsPlace {
  /** Relative folders in the file are below this one: the file's. */
  readonly baseFolder: string;
  /** The data folder when the file names none. Absolute. */
  readonly dataDir: string;
  /** Of this program. */
  readonly version: string;
}

/** Names get their units; null becomes what it stands for, where that does not depend on the machine's state. */
export function resolveSettings(raw: RawSettings, place: SettingsPlace) {
  const dataDir = raw.dataDir === null ? place.dataDir : folder(raw.dataDir, place.baseFolder);
  return {
    dataDir,
    library: {
      folder: libraryFolder(raw.library.url, dataDir, place.baseFolder),
      /** Whether the file names it: an agent that joined has it mounted then. */
      isNamed: raw.library.url !== null,
      /** The bucket that is the library; null: it is `folder`. */
      s3: raw.library.url === null ? null : parseS3Place(raw.library.url),
      names: raw.library.names,
      freeFloorBytes: raw.library.freeFloor,
      keepAudio: raw.library.keepAudio,
    },
    network: networkSettings(raw.network, place.version),
    nats: natsSettings(raw.nats, place.baseFolder),
    coordinator: {
      grpc: raw.coordinator.grpc,
      http: raw.coordinator.http,
      bytes: {
        listen: raw.coordinator.bytes.listen,
        others: raw.coordinator.bytes.others?.split(',') ?? [],
      },
      /** Null: found out from the machine. */
      advertise: raw.coordinator.advertise?.split(',') ?? null,
    },
    security: {
      authorityFolder:
        folderOrNull(raw.security.authority, place.baseFolder) ?? join(dataDir, 'authority'),
      /** Whether the file names it: then it must be there. */
      authorityIsNamed: raw.security.authority !== null,
      metricsTokenFile: folderOrNull(raw.security.metricsTokenFile, place.baseFolder),
    },
    feeds: feedSettings(raw.feeds),
    downloads: downloadSettings(raw.downloads),
    hosts: hostSettings(raw.hosts),
    transcribe: transcribeSettings(raw.transcribe, place.baseFolder),
    transcripts: raw.transcripts,
    quality: raw.quality,
    planner: raw.planner,
    retry: {
      attemptsMax: raw.retry.attemptsMax,
      backoffFirstMs: raw.retry.backoffFirst,
      backoffMaxMs: raw.retry.backoffMax,
    },
    sessions: { heartbeatMs: raw.sessions.heartbeat, lostAfterMs: raw.sessions.lostAfter },
    leader: { ttlMs: raw.leader.ttl },
    locks: { staleAfterMs: raw.locks.staleAfter, stalePolicy: raw.locks.stalePolicy },
    stall: { checkEveryMs: raw.stall.checkEvery, checks: raw.stall.checks },
    agent: {
      id: raw.agent.id,
      slots: raw.agent.slots,
      prefetch: raw.agent.prefetch,
      http: raw.agent.http,
      spoolBytesMax: raw.agent.spoolMax,
      bandwidthBytesPerSecondMax: raw.agent.bandwidthMax,
      drainMs: raw.agent.drainTimeout,
      engine: raw.agent.engine,
    },
    events: eventSettings(raw),
    log: raw.log,
    sweep: { everyMs: raw.sweep.every, olderThanMs: raw.sweep.olderThan },
  };
}

function networkSettings(raw: RawSettings['network'], version: string) {
  return {
    allowPrivate: raw.allowPrivate,
    userAgent: raw.userAgent ?? `podctl/${version}`,
    fallbackUserAgent: raw.fallbackUserAgent ?? `Mozilla/5.0 (compatible; podctl/${version})`,
  };
}

function feedSettings(raw: RawSettings['feeds']) {
  return {
    pollEveryMs: raw.pollEvery,
    pollEveryMsMin: raw.pollEveryMin,
    pollEveryMsMax: raw.pollEveryMax,
    failingAfter: raw.failingAfter,
    timeoutMs: raw.timeout,
    bytesMax: raw.bytesMax,
    itemsMax: raw.itemsMax,
    pagesMax: raw.pagesMax,
    media: raw.media,
  };
}

function downloadSettings(raw: RawSettings['downloads']) {
  return {
    max: raw.max,
    floorBytes: raw.floorBytes,
    idleTimeoutMs: raw.idleTimeout,
    timeoutMs: raw.timeout,
    bytesMax: raw.bytesMax,
    rateFloor: {
      bytesPerSecondMin: raw.rateFloor,
      windowMs: raw.rateWindow,
    },
    bandwidthBytesPerSecondMax: raw.bandwidthMax,
    partsBytesMax: raw.partsMax,
    partsKeepMs: raw.partsKeep,
  };
}

function transcribeSettings(raw: RawSettings['transcribe'], baseFolder: string) {
  const { command, openai, languageProbe, unloadAfter, ...rest } = raw;
  const { offset, confidenceMin } = languageProbe;
  return {
    ...rest,
    /** Null: the model stays loaded. */
    unloadAfterMs: unloadAfter === 0 ? null : unloadAfter,
    languageProbe: { offsetSeconds: offset / 1_000, confidenceMin },
    /** A program with a path is below the file's folder; one without is looked for in PATH. */
    command: command?.program.includes('/')
      ? { ...command, program: folder(command.program, baseFolder) }
      : command,
    openai: {
      url: openai.url?.replace(/\/+$/, '') ?? null,
      model: openai.model ?? 'whisper-1',
      tokenFile: folderOrNull(openai.tokenFile, baseFolder),
      timeoutMs: openai.timeout,
      uploadBytesMax: openai.uploadMax,
    },
  };
}

/** The part of an embedded server's room that events may take: the state needs the rest. */
const STORE_SHARE = 8;

function eventSettings({ events, nats }: RawSettings) {
  const share = Math.floor(nats.storeLimit / STORE_SHARE);
  const bytesMax = nats.url === null ? Math.min(events.storeMax, share) : events.storeMax;
  return { keepMs: events.keep, bytesMax };
}

function hostSettings(raw: RawSettings['hosts']) {
  const { coolDownFirst: coolDownFirstMs, coolDownMax: coolDownMaxMs, ...counts } = raw;
  return { ...counts, coolDownFirstMs, coolDownMaxMs };
}

function natsSettings(raw: RawSettings['nats'], baseFolder: string) {
  return {
    /** Null for the embedded server. */
    servers: raw.url?.split(',') ?? null,
    user: raw.user,
    passwordFile: folderOrNull(raw.passwordFile, baseFolder),
    caFile: folderOrNull(raw.caFile, baseFolder),
    replicas: raw.replicas,
    listen: raw.listen,
    storeLimitBytes: raw.storeLimit,
  };
}

/** `file:/x`, `file:///x`, `file://localhost/x`, or `file:x` below the base folder. */
function libraryFolder(url: string | null, dataDir: string, baseFolder: string): string {
  if (url === null || url.startsWith('s3:')) return join(dataDir, 'library');
  const path = url.slice('file:'.length).replace(/^\/\/(?:localhost)?(?=\/)/, '');
  return folder(path, baseFolder);
}

function folderOrNull(path: string | null, baseFolder: string): string | null {
  return path === null ? null : folder(path, baseFolder);
}

function folder(path: string, baseFolder: string): string {
  if (path === '~' || path.startsWith('~/')) return join(homedir(), path.slice(1));
  return isAbsolute(path) ? resolve(path) : resolve(baseFolder, path);
}
