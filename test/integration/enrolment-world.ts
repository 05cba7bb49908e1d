import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeEpisode } from '@podctl/domain/episode-codec.ts';
import { newEpisode } from '@podctl/domain/episode-state.ts';
import { feedId, type Nonce, type Token } from '@podctl/domain/ids.ts';
import type { AgentCredential } from '@podctl/platform/agent-credential.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { joinFleet } from '@podctl/platform/enrolment-client.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { createMetrics } from '@podctl/platform/metrics.ts';
import { Agent, type Dispatcher, request } from 'undici';
import { byteMetrics } from '../../apps/coordinator/src/api/byte-metrics.ts';
import { type ByteLimits, ByteServer } from '../../apps/coordinator/src/api/byte-server.ts';
import { emptySnapshot, foldEpisode } from '../../apps/coordinator/src/core/snapshot.ts';
import { ServerCertificate } from '../../apps/coordinator/src/shell/server-certificate.ts';
import { AccessWorld, agentNamed, tokenIn } from '../support/access-world.ts';
import { heldLock, newTicket } from '../support/byte-world.ts';
import { CLUSTER, episodeOf, NONCE } from '../support/hand-built-fleet.ts';

const never = new AbortController().signal;

export interface Shown {
  readonly tlsCertPem: string;
  readonly tlsKeyPem: string;
}

export interface WorldOptions {
  readonly limits?: Partial<ByteLimits>;
  /** Of the byte listener; by default that of all the others. */
  readonly clock?: Clock;
}

/** A byte listener over TLS, as agents of other machines reach it: its keys, its library and its connections are real. */
export class EnrolmentWorld {
  readonly access: AccessWorld;
  readonly snapshot = emptySnapshot();
  readonly metrics = createMetrics({ version: '0', commit: '', nodeVersion: '' });
  readonly certificate: ServerCertificate;
  desk: Awaited<ReturnType<AccessWorld['desk']>>['desk'];
  server: ByteServer;
  /** The coordinator's, to NATS. */
  readonly link: Awaited<ReturnType<AccessWorld['desk']>>['client'];
  readonly #folder: string;
  readonly #agents: Agent[] = [];
  readonly #listeners = new Set<() => void>();

  private constructor(
    folder: string,
    access: AccessWorld,
    { desk, audit, client }: Awaited<ReturnType<AccessWorld['desk']>>,
    library: FileLibrary,
    certificate: ServerCertificate,
    { limits, clock = access.clock }: WorldOptions,
  ) {
    const { log } = access;
    this.#folder = folder;
    this.access = access;
    this.desk = desk;
    this.link = client;
    this.snapshot.cluster = CLUSTER;
    this.certificate = certificate;
    this.server = new ByteServer({
      ...{ library, limits: limits ?? {}, log, floorBytes: 0 },
      listen: { host: '127.0.0.1', port: 0 },
      fleet: {
        picture: () => ({ snapshot: this.snapshot }),
        onChange: (listener) => {
          this.#listeners.add(listener);
          return () => this.#listeners.delete(listener);
        },
      },
      metrics: byteMetrics(this.metrics),
      security: { access: desk, audit, clock, certificate: this.certificate },
    });
  }

  static async start(options: WorldOptions = {}): Promise<EnrolmentWorld> {
    const access = await AccessWorld.start();
    const folder = await mkdtemp(join(tmpdir(), 'podctl-enrolment-'));
    await createLibrary(join(folder, 'library'));
    const library = await openLibrary(join(folder, 'library'), null);
    const { clock, log, authority } = access;
    const of = { ca: authority.ca, hosts: ['127.0.0.1'], clock, log };
    const certificate = await ServerCertificate.make(of);
    const desk = await access.desk();
    const world = new EnrolmentWorld(folder, access, desk, library, certificate, options);
    await world.certificate.start();
    await world.server.start();
    access.coordinators = [world.url];
    return world;
  }

  async stop(): Promise<void> {
    for (const agent of this.#agents) await agent.destroy();
    await this.server.stop();
    await this.certificate.stop();
    await this.access.stop();
    this.metrics.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  get url(): string {
    return `https://${this.server.address}`;
  }

  async token(usesMax = 1): Promise<string> {
    const of = { agent: null, ttlMs: 3_600_000, usesMax, by: 'test' };
    return (await this.desk.createToken(of)).text;
  }

  /** As `podctl agent install` does it. */
  async joined(name: string, text?: string): Promise<AgentCredential> {
    const token = tokenIn(text ?? (await this.token()));
    const credential = await joinFleet(token, agentNamed(name), { signal: never });
    if (!credential.ok) throw new Error(credential.error.sentence);
    return credential.value;
  }

  /** A client that shows this certificate. */
  client(shown: Shown | null): Agent {
    const ca = this.access.authority.ca.certPem;
    const own = shown === null ? {} : { cert: shown.tlsCertPem, key: shown.tlsKeyPem };
    const agent = new Agent({ connect: { ca, ...own } });
    this.#agents.push(agent);
    return agent;
  }

  async ask(
    client: Agent,
    method: Dispatcher.HttpMethod,
    path: string,
    of: { readonly ticket?: string; readonly body?: string | Buffer } = {},
  ) {
    const { statusCode, body, headers } = await request(`${this.url}${path}`, {
      ...{ method, dispatcher: client },
      headers: {
        ...(of.ticket === undefined ? {} : { authorization: `Bearer ${of.ticket}` }),
        ...(method === 'PATCH' ? { 'upload-offset': '0', 'upload-complete': '?0' } : {}),
      },
      body: of.body ?? null,
    });
    return { status: statusCode, text: await body.text(), headers };
  }

  /** The lock of a job is held by the agent. Gives its path and its ticket. */
  hold(agent: string): { readonly path: string; readonly ticket: Nonce } {
    const ticket = newTicket();
    const token = 100 as Token;
    const feed = feedId('alpha');
    if (!feed.ok) throw new Error(feed.error);
    const fresh = newEpisode(CLUSTER, NONCE, 'r1');
    const lock = { ...heldLock(token, ticket), agent: agentNamed(agent) };
    const stages = { ...fresh.stages, download: { ...fresh.stages.download, lock } };
    const episode = episodeOf(feed.value, 1);
    const value = encodeEpisode({ ...fresh, stages });
    foldEpisode(this.snapshot, feed.value, episode, 101, value);
    for (const listener of this.#listeners) listener();
    return { path: `/v1/jobs/${feed.value}.${episode}.download/${token}/files/audio.mp3`, ticket };
  }

  async page(): Promise<string> {
    return (await this.metrics.render()).text;
  }
}
