import { DEFAULT_NAME_TEMPLATE, parseNameTemplate } from '@podctl/domain/name-template.ts';
import { LOG_LEVELS } from '@podctl/domain/protocol.ts';
import type { z } from 'zod';
import { S3_URL } from './s3-place.ts';
import {
  checkedText,
  choice,
  countsByHost,
  duration,
  flag,
  keepAudio,
  listen,
  listenOrNull,
  listOf,
  section,
  share,
  shareOrNone,
  size,
  sizeOrNull,
  textOrNull,
  whole,
  wholeOrAuto,
} from './setting.ts';
import { transcribeShape } from './transcribe-section.ts';
import { transcriptsShape } from './transcripts-section.ts';

const idPattern = /^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?$/;

/** Every setting of `podctl.yaml`: its section, name, default, limits and description. docs/configuration.md is made of it. */
export const settingsSchema = section({
  dataDir: textOrNull(
    /^[^\0]{1,4096}$/,
    'a folder',
    'Where everything is kept. Null: `.podctl` in the current folder if it is there, else `podctl` in the data folder of the user.',
  ),
  library: section({
    url: textOrNull(
      new RegExp(`^file:[^\\0]{1,4096}$|${S3_URL.source}`),
      'file: and a folder, such as "file:/srv/podcasts", or s3:// and a bucket, such as "s3://bucket/prefix"',
      'Where audio and transcripts are kept: a folder, or a bucket ([library.md](library.md)). Null: `library` in `dataDir`.',
    ),
    names: checkedText(
      DEFAULT_NAME_TEMPLATE,
      'a template such as "{feed}/{date} - {title} [{id}].{ext}"',
      'The readable names below `podcasts/`: `{feed}`, `{title}`, `{date}`, `{year}`, `{id}`, `{ext}` ([library.md](library.md)).',
      (text) => parseNameTemplate(text).ok,
    ),
    freeFloor: size(
      '1GB',
      '0B',
      '1000TB',
      'No new work is begun while the library has less room than this.',
    ),
    keepAudio: keepAudio(
      'Which audio stays in the library once it is transcribed: `always`, `untilTranscribed`, `days:30` (so long after its download), `count:10` (the newest of each feed). What is still to be transcribed always stays. A feed may have its own.',
    ),
  }),
  network: section({
    allowPrivate: flag(
      false,
      'Whether feeds and audio may be fetched from addresses that are not public (loopback, the local network).',
    ),
    userAgent: textOrNull(
      /^[\x20-\x7e]{1,200}$/,
      'a line of ASCII',
      'The `User-Agent` sent to podcast hosts. Null: `podctl/` and the version.',
    ),
    fallbackUserAgent: textOrNull(
      /^[\x20-\x7e]{1,200}$/,
      'a line of ASCII',
      'The one for a host of a feed that refuses the first (403), tried once. Null: `Mozilla/5.0 (compatible; podctl/` and the version. The same as `userAgent`: none is tried.',
    ),
  }),
  nats: section({
    url: textOrNull(
      /^(?:nats|tls):\/\/[^\s,]{1,250}(?:,(?:nats|tls):\/\/[^\s,]{1,250}){0,8}$/,
      'nats:// or tls:// and a host, or several with commas between',
      'The NATS server to use, or the servers of one cluster. Null: one is run beside the coordinator.',
    ),
    user: textOrNull(/^[^\s\0]{1,200}$/, 'a name', 'The user to be at NATS. Null: none is needed.'),
    passwordFile: textOrNull(
      /^[^\0]{1,4096}$/,
      'a file',
      'Holds the password of `nats.user`, and nothing else.',
    ),
    caFile: textOrNull(
      /^[^\0]{1,4096}$/,
      'a file',
      'Certificates (PEM) that a `tls://` server is checked with. Null: the CA of `security.authority`, else those of the system.',
    ),
    replicas: whole(
      1,
      1,
      3,
      'On how many servers of a cluster the state is kept; it counts when its buckets are made.',
    ),
    listen: listen('127.0.0.1:0', 'Where the NATS server that is run here listens.'),
    storeLimit: size('2GB', '64MB', '1000TB', 'Room on disk for the NATS server that is run here.'),
  }),
  coordinator: section({
    grpc: section({
      listen: listen('127.0.0.1:0', 'Where the coordinator takes gRPC calls.'),
    }),
    http: section({
      listen: listen('127.0.0.1:0', 'Where the coordinator shows health and metrics.'),
    }),
    bytes: section({
      listen: listenOrNull(
        'Where the coordinator lets agents in, and moves the files of those that have no mount of the library. Null: nowhere.',
      ),
      others: textOrNull(
        /^https:\/\/[^\s,/@?#]{1,250}(?:,https:\/\/[^\s,/@?#]{1,250}){0,7}$/,
        'https:// and host:port, or several with commas between',
        'The same of the other coordinators of the fleet, for agents to go on with when this one is gone.',
      ),
    }),
    advertise: textOrNull(
      /^[A-Za-z0-9.:-]{1,253}(?:,[A-Za-z0-9.:-]{1,253}){0,15}$/,
      'names or addresses with commas between',
      'Names and addresses under which other machines reach this one; they are told the first. Null: its own addresses and its host name.',
    ),
  }),
  security: section({
    authority: textOrNull(
      /^[^\0]{1,4096}$/,
      'a folder',
      'The keys of the fleet, as `podctl coordinator init` made them; with them a coordinator speaks TLS and knows whom to let in. Null: `authority` in `dataDir`, if it is there.',
    ),
    metricsTokenFile: textOrNull(
      /^[^\0]{1,4096}$/,
      'a file',
      'Holds the bearer token that `/metrics` asks for. Null: none is asked for.',
    ),
  }),
  feeds: section({
    pollEvery: duration(
      '1h',
      '1m',
      '30d',
      'How often a feed is asked for new episodes while its rhythm is not known. After that about twelve times between two episodes, within the next two settings.',
    ),
    pollEveryMin: duration(
      '15m',
      '1m',
      '30d',
      'The shortest interval that the rhythm of a feed leads to; `pollEvery` where that is shorter.',
    ),
    pollEveryMax: duration(
      '1d',
      '1m',
      '30d',
      'The longest one, also for a feed that says that it is complete; `pollEvery` where that is longer.',
    ),
    failingAfter: whole(
      3,
      1,
      1_000,
      'Failed polls in a row after which a feed is failing, and alerts. What will not pass by itself, such as a 404, makes it so at once.',
    ),
    timeout: duration('30s', '1s', '1h', 'The longest that one fetch of a feed may take.'),
    bytesMax: size('50MB', '10KB', '1GB', 'The largest feed that is read, uncompressed.'),
    itemsMax: whole(20_000, 1, 1_000_000, 'The most episodes of one feed that are kept.'),
    pagesMax: whole(100, 1, 1_000, 'The most pages of one feed that are read.'),
    media: listOf(
      ['audio', 'video'],
      ['audio'],
      'What makes an item an episode: sound, or a film with sound as well.',
    ),
  }),
  downloads: section({
    max: whole(30, 0, 10_000, 'Downloads at the same time, of all agents together.'),
    floorBytes: size('100KB', '0B', '1GB', 'What is smaller is not taken for audio.'),
    idleTimeout: duration(
      '30s',
      '1s',
      '1h',
      'A download that gets no byte for so long has failed.',
    ),
    timeout: duration(
      '2h',
      '1m',
      '7d',
      'The longest that one download may take. What it waits for our own `bandwidthMax` does not count.',
    ),
    bytesMax: size('8GB', '1MB', '1000TB', 'The largest audio that is taken.'),
    rateFloor: size(
      '1KB',
      '0B',
      '1GB',
      'A download that gets less than this in a second, over `downloads.rateWindow`, has failed.',
    ),
    rateWindow: duration('1m', '1s', '1h', 'Over how long `downloads.rateFloor` is measured.'),
    bandwidthMax: sizeOrNull(
      '1KB',
      '1000TB',
      'Bytes a second of all downloads of the fleet together; the agents that download share it evenly. Null: no limit.',
    ),
    partsMax: size(
      '10GB',
      '0B',
      '1000TB',
      'How much of downloads that broke off an agent keeps, to go on with.',
    ),
    partsKeep: duration('1d', '1m', '30d', 'How long it keeps a part that nobody goes on with.'),
  }),
  hosts: section({
    parallelMax: whole(
      4,
      1,
      1_000,
      'Downloads from one podcast host at the same time, of all agents together.',
    ),
    limits: countsByHost(
      1_000,
      'The same of single hosts. Other hosts of the same domain are not meant by it.',
    ),
    startsPerSecond: whole(
      10,
      1,
      1_000,
      'Downloads that begin at one podcast host in a second, of all agents together.',
    ),
    coolDownFirst: duration(
      '1m',
      '100ms',
      '1d',
      'For how long nothing is asked of a host that answered 429, 503 or 403 and named no time itself; it doubles.',
    ),
    coolDownMax: duration('30m', '100ms', '7d', 'The longest of these times.'),
  }),
  transcribe: section(transcribeShape),
  quality: section({
    min: shareOrNone(
      0.4,
      'A transcript of less quality ([quality.md](quality.md)) is made once more in another way, and the better one kept. 0: none is.',
    ),
  }),
  transcripts: section(transcriptsShape),
  planner: section({
    multiWorkerMinEpisodes: whole(
      50,
      0,
      1_000_000,
      'A feed with more episodes left than this may have several transcribed at the same time.',
    ),
    feedShareMax: share(
      1,
      'The share of the transcription slots that one feed may have while others wait.',
    ),
  }),
  retry: section({
    attemptsMax: whole(
      5,
      1,
      100,
      'After so many failures a job is given up, until it is asked for again.',
    ),
    backoffFirst: duration('10s', '100ms', '1h', 'The wait after the first failure; it doubles.'),
    backoffMax: duration('30m', '1s', '7d', 'The longest wait between two attempts.'),
  }),
  sessions: section({
    heartbeat: duration('5s', '100ms', '1m', 'How often an agent says that it lives.'),
    lostAfter: duration(
      '30s',
      '500ms',
      '1h',
      'An agent silent for so long is lost, and its work is given to others.',
    ),
  }),
  leader: section({
    ttl: duration('6s', '1s', '1m', 'How long a coordinator leads after it was last heard.'),
  }),
  locks: section({
    staleAfter: duration(
      '1h',
      '1s',
      '30d',
      'A lock without progress for so long is shown as stale.',
    ),
    stalePolicy: choice(
      'report',
      ['report', 'revoke'],
      'What becomes of a stale lock: `report` shows it, `revoke` takes it away and gives the work again.',
    ),
  }),
  stall: section({
    checkEvery: duration('2m', '1s', '1d', 'How often it is looked whether a feed makes progress.'),
    checks: whole(5, 1, 1_000, 'A feed without progress in so many looks is shown as stalled.'),
  }),
  agent: section({
    id: textOrNull(
      idPattern,
      '1 to 48 of a-z, 0-9 and inner hyphens',
      'The name of this agent in the fleet. Null: made of the name of the host.',
    ),
    slots: section({
      download: whole(4, 0, 64, 'Downloads at the same time on this agent.'),
      transcribe: wholeOrAuto(
        0,
        64,
        'Transcriptions at the same time on this agent. `auto`: one on a CPU, one or two on each GPU; one of the engine `command`, two of `openai`.',
      ),
      score: wholeOrAuto(
        0,
        64,
        'Transcripts that this agent looks through for books at the same time; it takes no GPU. `auto`: one.',
      ),
    }),
    prefetch: whole(
      1,
      0,
      4,
      'Episodes held ahead for each transcription slot while no agent is free: their audio is fetched and read meanwhile.',
    ),
    http: section({
      listen: listen('127.0.0.1:0', 'Where the agent shows health and metrics.'),
    }),
    spoolMax: size(
      '10GB',
      '0B',
      '1000TB',
      'How much audio an agent without a mount of the library keeps on its own disk.',
    ),
    bandwidthMax: sizeOrNull(
      '1KB',
      '1000TB',
      'Bytes a second of all downloads of this agent together. Null: no limit of its own.',
    ),
    drainTimeout: duration(
      '10m',
      '0s',
      '7d',
      'How long `podctl agent run` finishes what runs once it is asked to stop; then it is handed back. `podctl up` hands back at once.',
    ),
    engine: choice(
      'faster-whisper',
      ['faster-whisper', 'command', 'openai'],
      'What transcribes: our own engine, the program of `transcribe.command`, or the server at `transcribe.openai.url` ([engines.md](engines.md)).',
    ),
  }),
  events: section({
    keep: duration('7d', '1h', '365d', 'How long it is kept what happened, for `podctl events`.'),
    storeMax: size(
      '200MB',
      '1MB',
      '1000TB',
      'Room at NATS for what happened; the oldest goes first. It is set aside at once. Of the NATS server that is run here it is an eighth of `nats.storeLimit` at most.',
    ),
  }),
  log: section({
    level: choice('info', LOG_LEVELS, 'The least important lines that are logged.'),
  }),
  sweep: section({
    every: duration('10m', '1s', '7d', 'How often leftovers of unaccepted work are looked for.'),
    olderThan: duration('1h', '1s', '30d', 'Leftovers are removed when they are older than this.'),
  }),
});

/** The settings as the file has them, read and with defaults: durations in milliseconds, sizes in bytes. */
export type RawSettings = z.output<typeof settingsSchema>;
