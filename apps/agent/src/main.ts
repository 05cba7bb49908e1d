import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { base32 } from '@podctl/domain/ids.ts';
import { guardedAgent } from '@podctl/platform/address-guard.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { writeEndpoint } from '@podctl/platform/endpoint.ts';
import { inheritedLockFd } from '@podctl/platform/folder-lock.ts';
import { type HealthCheck, HealthServer, ListenError } from '@podctl/platform/health-server.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { placeOf } from '@podctl/platform/library/safe-path.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { type MainContext, runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger, type Logger } from '@podctl/platform/logger.ts';
import { createMetrics, type Metrics } from '@podctl/platform/metrics.ts';
import { natsBus } from '@podctl/platform/nats/bus.ts';
import { connectNats, type NatsEvent, type NatsLink } from '@podctl/platform/nats/connection.ts';
import type { Dispatcher } from 'undici';
import { type AgentConfig, loadAgentConfig } from './config.ts';
import { Agent, type AgentEnd } from './shell/agent.ts';
import { type AgentMetrics, agentMetrics } from './shell/agent-metrics.ts';
import { downloadWorker } from './shell/download.ts';
import { Journal } from './shell/journal.ts';
import { transcribeWorker } from './shell/transcribe.ts';
import { WhisperEngine } from './shell/whisper-engine.ts';

/**
 * Exit codes: 0 it stopped as asked; 1 it cannot go on (library, NATS); 2 a setting is wrong; 3 a newer process has its
 * id (EXIT_SUPERSEDED); 4 the leader refuses it (EXIT_REFUSED); 70 a bug; 128 + n when it did not stop in time.
 */
const EXIT_UNUSABLE = 1;
const EXIT_SETTINGS = 2;
/** Half of it is for handing back and saying goodbye. */
const STOP_MS_MAX = 8_000;
/** An episode of a day at 192 kbit/s has 2 GB. */
const DOWNLOAD_BYTES_MAX = 8e9;
const SPACE_WAIT_MS = 30_000;
const CONNECT_MS_MAX = 15_000;
const ENGINE_SILENT_MS = 30_000;
const ENGINE_CANCEL_MS = 2_000;

const startLog = createLogger({ level: 'info', component: 'agent' });
await runMain(main, {
  graceMs: STOP_MS_MAX,
  onCrash: (error) => startLog.error({ err: error }, 'The agent ends unexpectedly'),
});

async function main(context: MainContext): Promise<number> {
  try {
    const config = await loadAgentConfig(process.env);
    const log = createLogger({ level: config.settings.log.level, component: 'agent' });
    return await run(config, log.child({ agent: config.agent }), context);
  } catch (error) {
    const isSetting = error instanceof SettingsError || error instanceof ListenError;
    if (!isSetting && !(error instanceof LibraryError)) throw error;
    startLog.error({}, error.message);
    return isSetting ? EXIT_SETTINGS : EXIT_UNUSABLE;
  }
}

async function run(config: AgentConfig, log: Logger, context: MainContext): Promise<number> {
  const library = await openLibrary(config.libraryRoot, null);
  const closed = Promise.withResolvers<AgentEnd>();
  const link = await connect(config, log, context.signal, natsListener(log, closed.resolve));
  if (link === null) return EXIT_UNUSABLE;
  const metrics = createMetrics({
    version: config.version,
    commit: '',
    nodeVersion: process.version,
  });
  const engines = enginesOf(config, log);
  const dispatcher = guardedAgent({
    allowPrivate: config.settings.network.allowPrivate,
    connectTimeoutMs: CONNECT_MS_MAX,
    connectionsMax: config.settings.agent.slots.download + 1,
  });
  const agent = agentOf(config, log, { link, library, engines, dispatcher, metrics });
  const health = new HealthServer({
    listen: config.httpListen,
    setting: 'agent.http.listen',
    checks: () => checksOf(link, agent),
    metrics: () => metrics.render(),
    logger: log,
  });
  try {
    await health.start();
    if (config.endpointFile !== null)
      await writeEndpoint(config.endpointFile, { grpc: '', http: health.address ?? '' });
    await agent.start();
    const end = await Promise.race([agent.ended, closed.promise, leaving(agent, context)]);
    if (end.code === 0) log.info({}, end.reason);
    else log.error({}, end.reason);
    return end.code;
  } finally {
    await agent.stop();
    await Promise.all(engines.map((engine) => engine.stop()));
    await dispatcher.destroy();
    await health.stop();
    metrics.close();
    await link.close();
  }
}

/** Lets the agent leave at the first request to stop; resolves only when it must be cut off. */
function leaving(agent: Agent, { signal, force }: MainContext): Promise<AgentEnd> {
  const { promise, resolve } = Promise.withResolvers<AgentEnd>();
  const cutOff = () => resolve({ code: 0, reason: 'The agent stopped without a goodbye.' });
  force.addEventListener('abort', cutOff, { once: true });
  signal.addEventListener('abort', () => agent.leave(), { once: true });
  if (signal.aborted) agent.leave();
  if (force.aborted) cutOff();
  return promise;
}

function natsListener(log: Logger, closed: (end: AgentEnd) => void) {
  return (event: NatsEvent) => {
    switch (event.kind) {
      case 'connected':
        log.info({}, 'Connected to NATS');
        return;
      case 'disconnected':
        log.warn({}, 'Disconnected from NATS; trying again');
        return;
      case 'trouble':
        log.warn({ err: event.error }, 'NATS reports a trouble');
        return;
      case 'closed':
        closed({
          code: EXIT_UNUSABLE,
          reason: event.error?.message ?? 'The connection to NATS was closed.',
        });
        return;
    }
  };
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

/** Null, with a line in the log, when NATS cannot be had. */
async function connect(
  config: AgentConfig,
  log: Logger,
  signal: AbortSignal,
  listen: (event: NatsEvent) => void,
): Promise<NatsLink | null> {
  const { natsUrl, natsAuth, agent } = config;
  const options = { servers: [natsUrl], name: `podctl agent ${agent}`, auth: natsAuth };
  try {
    return await connectNats(options, { clock: systemClock, random: Math.random, listen }, signal);
  } catch (error) {
    signal.throwIfAborted();
    log.error({}, error instanceof Error ? error.message : String(error));
    return null;
  }
}

/** One a slot, since each does one episode at a time. */
function enginesOf(config: AgentConfig, log: Logger): readonly WhisperEngine[] {
  const { agent, transcribe } = config.settings;
  const { device, computeType, batchSize } = transcribe;
  const spec = {
    python: config.pythonPath,
    script: config.engineScript,
    env: process.env,
    lockFd: inheritedLockFd(),
    silentMs: ENGINE_SILENT_MS,
    cancelMs: ENGINE_CANCEL_MS,
    clock: systemClock,
    log,
  };
  const options = { device, computeType, batchSize };
  return Array.from(
    { length: agent.slots.transcribe },
    () => new WhisperEngine(spec, options, Math.random),
  );
}

interface Parts {
  readonly link: NatsLink;
  readonly library: FileLibrary;
  readonly engines: readonly WhisperEngine[];
  readonly dispatcher: Dispatcher;
  readonly metrics: Metrics;
}

function agentOf(config: AgentConfig, log: Logger, parts: Parts): Agent {
  const { settings, agent, host, version } = config;
  const { link, library, engines, dispatcher } = parts;
  const measured = measure(config, parts);
  const onError = (error: unknown) => log.error({ err: error }, 'A message broke its handler');
  const localPath = (path: string) => placeOf(library.root, path);
  const describeEngine = () => engines[0]?.describe() ?? 'no engine';
  const shared = { library, localPath, clock: systemClock, agent };
  return new Agent({
    bus: natsBus(link.nc, onError),
    clock: systemClock,
    random: Math.random,
    log,
    identity: {
      agent,
      boot: base32(randomBytes(10)),
      host,
      version,
      engine: describeEngine(),
      slots: settings.agent.slots,
    },
    journal: new Journal(join(config.stateDir, 'results'), log),
    library,
    freeBytesMin: settings.library.freeFloorBytes,
    workers: {
      download: downloadWorker({
        ...shared,
        dispatcher,
        userAgent: settings.network.userAgent,
        limits: {
          floorBytes: settings.downloads.floorBytes,
          bytesMax: DOWNLOAD_BYTES_MAX,
          idleMs: settings.downloads.idleTimeoutMs,
          totalMs: settings.downloads.timeoutMs,
          freeBytesMin: settings.library.freeFloorBytes,
          spaceWaitMs: SPACE_WAIT_MS,
        },
        received: measured.received,
      }),
      transcribe: transcribeWorker({ ...shared, engines, transcribed: measured.transcribed }),
    },
    describeEngine,
    observe: measured.observe,
  });
}

function measure(config: AgentConfig, { metrics, link }: Parts): AgentMetrics {
  const { agent, version, os, arch, settings } = config;
  return agentMetrics({
    ...{ metrics, agent, version, os, arch },
    clock: systemClock,
    model: settings.transcribe.model,
    transcribeSlots: settings.agent.slots.transcribe,
    link,
  });
}
