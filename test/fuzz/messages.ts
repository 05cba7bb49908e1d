import { GPU_LIMITS } from '@podctl/domain/gpu.ts';

/** One message of each form that faces the network, as its sender writes it. */
export const cluster = 'abcdefghijklmnop';
export const job = {
  ...{ feed: 'alpha', episode: 'a'.repeat(26), stage: 'transcribe', run: 1, token: 41 },
};
const gpu = {
  ...{
    index: 0,
    uuid: 'GPU-5c2a',
    product: 'NVIDIA A100-SXM4-80GB',
    driver: '550.54',
    backend: 'cuda',
  },
  ...{ memorySizeBytes: 85_899_345_920, memoryUsedBytes: 1_024, utilizationRatio: 0.5 },
  ...{ temperatureCelsius: 61, powerWatts: 201.5 },
};
const boot = 'b7d2c1a0';
const session = 17;
const held = { cluster, session, job };
const sha256 = 'a1'.repeat(32);
const slots = { download: 4, transcribe: 1 };
const millis = { issuedMs: 1_790_000_000_000, expiresMs: 1_792_592_000_000 };
const natsKey = `U${'A'.repeat(55)}`;
const tokenId = 'abcdefghij234567';

export const HELLOS = [
  {
    kind: 'hello',
    boot,
    cluster: null,
    host: 'gpu-1',
    version: '0.1.0',
    engine: 'faster-whisper',
    slots,
  },
  { kind: 'goodbye', boot, cluster, session, finished: [job], reason: 'stopped by its owner' },
];
export const HELLO_REPLIES = [
  { kind: 'welcome', cluster, session, heartbeatMs: 5_000, lostAfterMs: 30_000, library: 'lib1' },
  { kind: 'farewell' },
  { kind: 'refused', reason: 'another one is alive', final: true },
];
export const HEARTBEATS = [
  {
    ...{ boot, cluster, session, sequence: 9, engine: 'tiny.en', problem: null, draining: false },
    tokens: [
      { ...job, phase: 'running', progress: 0.25 },
      { ...job, token: 43, phase: 'finished', progress: 1 },
    ],
    gpus: [gpu, { ...gpu, index: 1 }],
    gpuProblem: 'nvidia-smi does not answer',
  },
  {
    boot,
    cluster,
    session,
    sequence: 1,
    tokens: [],
    engine: '',
    problem: 'disk full',
    gpus: Array.from({ length: GPU_LIMITS.gpusMax }, () => gpu),
  },
];
export const COMMANDS = [
  {
    ...{ kind: 'start', ...held, ticket: cluster },
    work: {
      ...{ kind: 'download', url: 'https://host.example.org/a.mp3' },
      episode: { feedTitle: 'Alpha', title: 'Part 1', guid: null, publishedMs: -1 },
    },
  },
  {
    ...{ kind: 'start', ...held, ticket: cluster },
    work: {
      ...{ kind: 'transcribe', audioPath: 'alpha/audio.mp3', audioSha256: sha256 },
      ...{ audioSeconds: 12.5, model: 'tiny.en', language: 'en' },
    },
  },
  { kind: 'cancel', ...held, reason: 'its lock is gone' },
  { kind: 'superseded', session },
  { kind: 'rehello', session },
  { kind: 'bandwidth', session, bytesPerSecond: 1_000_000 },
  { kind: 'ping', boot },
];
export const RESULTS = [
  { boot, ...held, outcome: { kind: 'finished', manifestSha256: sha256 } },
  {
    ...{ boot, ...held },
    outcome: {
      ...{ kind: 'failed', code: 'http_429', reason: 'busy', retryAfterMs: 60_000 },
      ...{ final: false, returned: false, host: 'host.example.org:443', status: 429 },
    },
  },
  { boot, ...held, outcome: { kind: 'finished', manifestSha256: sha256, host: '[::1]' } },
];
export const LOGS = [
  {
    ...{ boot, cluster, session, dropped: 3 },
    lines: [
      { atMs: 1_790_000_000_000, level: 'info', message: 'download begins', job },
      { atMs: 0, level: 'error', message: 'The library is away.', job: null },
    ],
  },
  { boot, cluster, session, dropped: 0, lines: [] },
];
export const RESULT_REPLIES = [
  { kind: 'verdict', answer: 'accepted' },
  { kind: 'later', reason: 'no leader' },
];
export const ORDERS = [
  {
    kind: 'add_feeds',
    feeds: [{ url: 'https://a.example.org/rss', title: 'A', bookScore: 7, id: null }],
  },
  {
    kind: 'release_lock',
    lock: { feed: job.feed, episode: job.episode, stage: job.stage, token: 41 },
  },
  {
    ...{ kind: 'set_cordon', agent: 'gpu-1' },
    wish: { kind: 'drain', reason: 'new disk', by: 'ada', deadlineInMs: 60_000 },
  },
  {
    ...{ kind: 'cancel_job', by: 'ann' },
    job: { feed: job.feed, episode: job.episode, stage: job.stage, token: 41 },
  },
  {
    kind: 'repeat_runs',
    request: 'r1',
    runs: [{ feed: job.feed, episode: job.episode, stage: 'download', run: 1 }],
  },
  {
    kind: 'change_feed',
    feed: job.feed,
    change: { paused: true, setLabels: { topic: 'history' }, model: null, first: [job.episode] },
    dryRun: false,
  },
  {
    kind: 'retry_jobs',
    request: 'r2',
    jobs: [{ feed: job.feed, episode: job.episode, stage: 'download' }],
  },
  { kind: 'skip_episode', episode: { feed: job.feed, episode: job.episode, by: 'ann' } },
];
export const ORDER_REPLIES = [
  {
    kind: 'done',
    done: {
      kind: 'add_feeds',
      added: [
        { kind: 'added', feed: 'alpha', url: 'https://a', revision: 9 },
        { kind: 'refused', url: 'x', problem: 'no URL' },
      ],
    },
  },
  { kind: 'done', done: { kind: 'release_lock', released: { kind: 'released', revision: 9 } } },
  {
    kind: 'done',
    done: {
      kind: 'set_cordon',
      set: {
        cordon: { kind: 'cordoned', reason: '', by: '', sinceMs: 1, deadlineMs: null },
        changed: true,
      },
    },
  },
  { kind: 'done', done: { kind: 'cancel_job', canceled: { kind: 'committed' } } },
  { kind: 'done', done: { kind: 'repeat_runs', requested: 1 } },
  {
    kind: 'done',
    done: { kind: 'change_feed', changed: { kind: 'changed', revision: 9, fields: ['paused'] } },
  },
  { kind: 'done', done: { kind: 'skip_episode', skipped: ['download'] } },
  { kind: 'done', done: { kind: 'retry_jobs', retried: 1 } },
  { kind: 'failed', reason: 'no leader' },
];
export const JOINS = [
  {
    ...{
      tokenId,
      secret: 'abcdefghijklmnopqrstuvwxyz234567',
      agent: 'gpu-1',
      natsKey: 'UBBRWY2FLR3VCBVR3ORLHAZYNWYXGSS55GXCXY6HU6AGGWAENIH7LUQW',
    },
    ...{
      proof: `${'A'.repeat(86)}==`,
      tlsKeyPem: '-----BEGIN PUBLIC KEY-----\nMFkw\n-----END PUBLIC KEY-----\n',
    },
  },
];
export const ISSUED = [
  {
    ...{
      natsServers: ['tls://head:4222'],
      coordinators: ['https://head:4803'],
      natsJwt: 'ey.ey.sig',
    },
    ...{ tlsCertPem: '-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n', ...millis },
  },
];
export const JOIN_TOKEN_RECORDS = [
  {
    ...{ id: tokenId, secretSha256: sha256, agent: 'gpu-1', usesMax: 2, createdBy: 'ann' },
    ...{ uses: [{ agent: 'gpu-1', natsKey }], createdMs: 1, expiresMs: 2, revokedMs: null },
  },
];
export const CREDENTIAL_RECORDS = [
  {
    ...{ agent: 'gpu-1', natsKey, tlsKeySha256: sha256, ...millis, tokenId, revokedMs: null },
    formerKeys: [{ natsKey, revokedMs: 5 }],
  },
];
export const USER_RECORDS = [
  {
    name: 'ann',
    role: 'admin',
    secretSha256: sha256,
    createdMs: 1,
    createdBy: 'init',
    revokedMs: null,
  },
];
/** The file of an enrolled agent. */
export const AGENT_CREDENTIALS = [
  { agent: 'gpu-1', ...ISSUED[0], caPem: 'pem', natsSeed: `SU${'A'.repeat(56)}`, tlsKeyPem: 'pem' },
];
