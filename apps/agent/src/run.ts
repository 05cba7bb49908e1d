import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { base32 } from '@podctl/domain/ids.ts';
import { invariant } from '@podctl/domain/result.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { isLoopback, writeEndpoint } from '@podctl/platform/endpoint.ts';
import { type HealthCheck, HealthServer } from '@podctl/platform/health-server.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { type MainContext, StopRequest } from '@podctl/platform/lifecycle.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { createMetrics, type Metrics } from '@podctl/platform/metrics.ts';
import { metricsToken } from '@podctl/platform/metrics-token.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import type { NatsLink } from '@podctl/platform/nats/connection.ts';
import type { Dispatcher } from 'undici';
import type { AgentConfig } from './config.ts';
import { type GpuState, gpuLack, gpuLoss, gpuReport } from './core/gpu-state.ts';
import { LogTail } from './core/log-tail.ts';
import { exposureProblem } from './exposure.ts';
import { attemptStoreOf, type LibraryWay, openLibraryWay } from './library-way.ts';
import { Agent, type AgentEnd } from './shell/agent.ts';
import { type AgentMetrics, agentMetrics } from './shell/agent-metrics.ts';
import type { AttemptStore } from './shell/attempt-store.ts';
import { Bandwidth } from './shell/bandwidth.ts';
import { DiskReserve } from './shell/disk-reserve.ts';
import { type DownloadLimits, downloadWorker } from './shell/download.ts';
import { tellDrain } from './shell/drain-notice.ts';
import { type Engines, makeEngines } from './shell/engines.ts';
import { FetchAhead } from './shell/fetch-ahead.ts';
import { NvidiaSmi } from './shell/gpu-nvidia-smi.ts';
import { GpuWatch } from './shell/gpu-probe.ts';
import { Journal } from './shell/journal.ts';
import { Membership } from './shell/membership.ts';
import { connectAgent } from './shell/nats-link.ts';
import { PartFiles, partsGiveWay } from './shell/part-files.ts';
import { scoreWorker } from './shell/score.ts';
import { transcribeWorker } from './shell/transcribe.ts';

const SPACE_WAIT_MS = 30_000;
const CONNECT_MS_MAX = 15_000;

/** What an agent changes the world through. */
export interface AgentEffects {
  readonly bus: Bus;
  readonly journal: Journal;
  readonly library: FileLibrary;
}

/** What stands between an agent and what it changes: a test may put its own in the way. */
export type WrapEffects = (effects: AgentEffects) => AgentEffects;

/**
 * An agent's whole life, until it has left or cannot go on. Resolves to its exit code.
 *
 * @param wrap is called once, before any of them is used.
 * @param logs what the log says, for the coordinators.
 */
export async function runAgent(
  config: AgentConfig,
  log: Logger,
  context: MainContext,
  wrap: WrapEffects = (effects) => effects,
  logs: LogTail = new LogTail(),
): Promise<number> {
  const { version } = config;
  const metrics = createMetrics({ version, commit: '', nodeVersion: process.version });
  const token = await metricsToken(config.metricsTokenFile);
  const membership = membershipOf(config, log, metrics);
  const way = await openLibraryWay(config);
  const closed = Promise.withResolvers<AgentEnd>();
  const connected = await connectAgent(config, log, context.signal, closed.resolve, logs);
  if (!connected.ok) {
    log.error({}, connected.error.reason);
    metrics.close();
    return connected.error.code;
  }
  const link = connected.value;
  const onError = (error: unknown) => log.error({ err: error }, 'A message broke its handler');
  const effects = wrap({
    bus: natsBus(link.nc, onError),
    journal: new Journal(join(config.stateDir, 'results'), log),
    library: way.onDisk,
  });
  const engines = await makeEngines(config, log, () => agent.look(), context.signal);
  const dispatcher = guardedAgent({
    allowPrivate: config.settings.network.allowPrivate,
    connectTimeoutMs: CONNECT_MS_MAX,
    connectionsMax: config.settings.agent.slots.download + 1,
  });
  const gpus = gpuWatchOf(log, engines, {
    lost: (reason) => agent.loseGpu(reason),
    changed: () => agent.look(),
  });
  const bandwidth = new Bandwidth(systemClock, config.settings.agent.bandwidthBytesPerSecondMax);
  const of = { link, effects, way, engines, dispatcher, membership, metrics, gpus, logs };
  const parts = { ...of, bandwidth };
  const agent: Agent = agentOf(config, log, parts);
  const health = new HealthServer({
    listen: config.httpListen,
    setting: 'agent.http.listen',
    checks: () => [...checksOf(link, agent), ...membership.checks()],
    metrics: () => metrics.render(),
    logger: log,
    token,
    ...servedCertificate(config, membership),
  });
  try {
    await health.start();
    if (config.endpointFile !== null)
      await writeEndpoint(config.endpointFile, { grpc: '', http: health.address ?? '' });
    context.drainFor(config.drainMs);
    await agent.start();
    await gpus.start();
    await membership.start();
    const leaves = leaving(agent, context, (reason) => reasonOf(reason, config.drainMs));
    void tellDrain(agent, context, systemClock, drainTold(log));
    const end = await Promise.race([agent.ended, closed.promise, leaves]);
    if (end.code === 0) log.info({}, end.reason);
    else log.error({}, end.reason);
    return end.code;
  } finally {
    await gpus.stop();
    await agent.stop();
    await Promise.all(engines.all.map((engine) => engine.stop()));
    await engines.close();
    await Promise.all([dispatcher.destroy(), way.store.stop()]);
    await membership.stop();
    await health.stop();
    metrics.close();
    await link.close();
  }
}

/** Lets the agent drain, then leave; resolves only when it must be cut off. */
function leaving(
  agent: Agent,
  { signal, cancel, force }: MainContext,
  sentence: (request: unknown) => string,
): Promise<AgentEnd> {
  const { promise, resolve } = Promise.withResolvers<AgentEnd>();
  const drain = () => {
    if (!cancel.aborted) agent.drain();
  };
  const leave = () => agent.leave(sentence(cancel.reason));
  const cutOff = () => resolve({ code: 0, reason: 'The agent stopped without a goodbye.' });
  force.addEventListener('abort', cutOff, { once: true });
  signal.addEventListener('abort', drain, { once: true });
  cancel.addEventListener('abort', leave, { once: true });
  if (signal.aborted) drain();
  if (cancel.aborted) leave();
  if (force.aborted) cutOff();
  return promise;
}

/** For the history of what is handed back. */
function reasonOf(request: unknown, drainMs: number): string {
  const cause = request instanceof StopRequest ? request.stopCause : 'SIGTERM';
  switch (cause) {
    case 'SIGINT':
    case 'SIGTERM':
    case 'SIGHUP':
      return `the agent was stopped by ${cause}`;
    case 'parent gone':
      return 'the agent was stopped: the process that started it is gone';
    case 'output closed':
      return 'the agent was stopped: nobody reads its output any more';
    case 'drain over':
      return `it did not end within the ${drainMs / 1_000} s that the agent drained`;
  }
}

/** On a terminal for the person at it; else into the log. */
function drainTold(log: Logger): (words: string) => void {
  if (!process.stderr.isTTY) return (words) => log.info({}, words);
  return (words) => {
    process.stderr.write(`${words}; Ctrl-C again hands them back now\n`);
  };
}

/** Throws SettingsError: something would be in the clear, or the credential is of no use. */
function membershipOf(config: AgentConfig, log: Logger, metrics: Metrics): Membership {
  const { credentialFile, agent } = config;
  const problem = exposureProblem({ ...config, hasCredential: credentialFile !== null });
  if (problem !== null) throw new SettingsError(problem);
  const ports = { clock: systemClock, random: Math.random, log, metrics };
  return new Membership({ credentialFile, agent, ...ports });
}

/** Whoever asks from another machine is answered over TLS; who asks from this one need not trust the fleet's CA. */
function servedCertificate({ httpListen }: AgentConfig, membership: Membership) {
  if (isLoopback(httpListen.host)) return {};
  const tls = () => {
    const { credential } = membership;
    invariant(credential !== null, 'beyond loopback only an agent with a credential listens');
    return { certPem: credential.tlsCertPem, keyPem: credential.tlsKeyPem };
  };
  return { tls };
}

function checksOf(link: NatsLink, agent: Agent): readonly HealthCheck[] {
  const isConnected = link.isConnected();
  return [
    { name: 'nats', ok: isConnected, detail: isConnected ? 'connected' : 'not connected' },
    {
      name: 'session',
      ok: agent.welcomed,
      detail: agent.welcomed ? 'welcomed by the leader' : 'not welcomed by a leader',
    },
    { name: 'library', ok: agent.problem === null, detail: agent.problem ?? 'online' },
  ];
}

interface GpuNews {
  /** One that the engine needs is gone. An engine on the CPU goes on without. */
  readonly lost: (reason: string) => void;
  /** It is another kind of state than before. */
  readonly changed: () => void;
}

function gpuWatchOf(log: Logger, { needsGpu }: Engines, { lost, changed }: GpuNews): GpuWatch {
  let before: GpuState['kind'] = 'unseen';
  return new GpuWatch({
    probe: new NvidiaSmi({
      clock: systemClock,
      random: Math.random,
      env: process.env,
      log: (line) => log.debug({ component: 'nvidia-smi' }, line),
    }),
    log,
    seen: (state) => {
      const reason = gpuLoss(state, needsGpu);
      if (reason !== null) lost(reason);
      else if (state.kind !== before) changed();
      before = state.kind;
    },
  });
}

interface Parts {
  readonly link: NatsLink;
  readonly effects: AgentEffects;
  readonly way: LibraryWay;
  readonly engines: Engines;
  readonly dispatcher: Dispatcher;
  readonly membership: Membership;
  readonly metrics: Metrics;
  readonly gpus: GpuWatch;
  readonly logs: LogTail;
  readonly bandwidth: Bandwidth;
}

function agentOf(config: AgentConfig, log: Logger, parts: Parts): Agent {
  const { settings, agent, host, version } = config;
  const { effects, engines, dispatcher } = parts;
  const measured = measure(config, parts);
  engines.onWork((count) => measured.atWork(count));
  const way = { ...parts.way, onDisk: effects.library };
  const { download, score } = settings.agent.slots;
  const slots = { download, transcribe: engines.all.length, score: score === 'auto' ? 1 : score };
  const { dispatcher: toCoordinators } = parts.membership;
  const reach = { dispatcher: toCoordinators, moved: measured.moved };
  const store = attemptStoreOf(config, way, { ...reach, transcribers: slots.transcribe });
  const describeEngine = () => engines.all[0]?.describe() ?? 'no engine';
  const onGpuOnly = engines.needsGpu && settings.transcribe.device === 'cuda';
  const { freeFloorBytes } = settings.library;
  const broken = partsOf(config, store);
  const fetch = new FetchAhead({ store, prepare: (path) => engines.prepare(path), log });
  const ahead = { jobs: slots.transcribe * settings.agent.prefetch, fetch };
  const shared = { store, clock: systemClock, agent };
  return new Agent({
    ...effects,
    clock: systemClock,
    random: Math.random,
    log,
    identity: {
      ...{ agent, host, version, slots },
      boot: base32(randomBytes(10)),
      engine: describeEngine(),
    },
    bandwidthShare: (bytesPerSecond) => parts.bandwidth.setShare(bytesPerSecond),
    workProblem: async (expected) => {
      // Not waited for: no work may slip in before the answer.
      void store.freeBytes().then(measured.disk, () => measured.disk(null));
      const problem = await store.problem(expected);
      // Nor for this: the next look finds the room that it makes.
      if (problem !== null) void partsGiveWay(store, broken, freeFloorBytes).catch(() => undefined);
      return gpuLack(parts.gpus.state, onGpuOnly) ?? problem ?? engines.starved();
    },
    workers: {
      download: downloadWorker({
        ...shared,
        dispatcher,
        userAgent: settings.network.userAgent,
        parts: broken,
        disk: new DiskReserve(() => store.freeBytes(), freeFloorBytes),
        bandwidth: parts.bandwidth,
        limits: downloadLimits(config),
        received: measured.received,
        resumed: measured.resumed,
        publisher: measured.publisher,
      }),
      transcribe: transcribeWorker({
        ...shared,
        engines: engines.all,
        checkpointAfterSeconds: settings.transcribe.checkpointAfter / 1_000,
        ahead: fetch,
        transcribed: measured.transcribed,
        publisher: measured.publisher,
      }),
      score: scoreWorker(shared),
    },
    describeEngine,
    ahead,
    gpus: () => engines.report(gpuReport(parts.gpus.state)),
    observe: measured.observe,
    logs: { tail: parts.logs, connected: () => parts.link.isConnected(), told: measured.logged },
  });
}

function downloadLimits({ settings: { downloads } }: AgentConfig): DownloadLimits {
  return {
    floorBytes: downloads.floorBytes,
    bytesMax: downloads.bytesMax,
    rate: downloads.rateFloor,
    idleMs: downloads.idleTimeoutMs,
    totalMs: downloads.timeoutMs,
    spaceWaitMs: SPACE_WAIT_MS,
  };
}

function partsOf({ settings: { downloads } }: AgentConfig, store: AttemptStore): PartFiles {
  const { partsKeepMs: ageMsMax, partsBytesMax: bytesMax } = downloads;
  return new PartFiles({ ...store.parts, clock: systemClock, ageMsMax, bytesMax });
}

function measure(
  config: AgentConfig,
  { metrics, link, gpus, engines, bandwidth }: Parts,
): AgentMetrics {
  const { agent, version, os, arch, settings } = config;
  return agentMetrics({
    ...{ metrics, agent, version, os, arch },
    clock: systemClock,
    model: settings.transcribe.model,
    transcribeSlots: engines.all.length,
    link,
    gpus: () => gpuReport(gpus.state).gpus,
    bandwidthMax: () => bandwidth.bytesPerSecondMax,
    diskFloorBytes: settings.library.freeFloorBytes,
  });
}
