import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { credentials, Metadata } from '@grpc/grpc-js';
import { AGENT_INBOXES } from '@podctl/domain/key.ts';
import { type AgentCredential, writeAgentCredential } from '@podctl/platform/agent-credential.ts';
import { authorityPaths } from '@podctl/platform/authority/authority.ts';
import type { CoordinatorBootstrap } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { loadSettings } from '@podctl/platform/config/load.ts';
import type { Endpoint } from '@podctl/platform/endpoint.ts';
import { joinFleet } from '@podctl/platform/enrolment-client.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { connectNats, type NatsEvent, type NatsLink } from '@podctl/platform/nats/connection.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import { AccessServiceClient } from '@podctl/proto/podctl/v1/access.ts';
import { AgentServiceClient } from '@podctl/proto/podctl/v1/agent.ts';
import { BackupServiceClient } from '@podctl/proto/podctl/v1/backup.ts';
import { runCoordinator } from '../../apps/coordinator/src/run.ts';
import { agentNamed, tokenIn } from '../support/access-world.ts';
import { type SecureNats, startSecureNats } from '../support/secure-nats.ts';

const never = new AbortController().signal;

/** A coordinator with the fleet's keys on a real NATS server with TLS, and whoever joins it. */
export class EnrolmentFleet {
  readonly nats: SecureNats;
  readonly lines: string[] = [];
  /** Of the first coordinator. */
  endpoint: Endpoint = { grpc: '', http: '' };
  readonly #folder: string;
  readonly #links: NatsLink[] = [];
  #stop = async () => {};
  #stopSecond = async () => {};

  private constructor(nats: SecureNats, folder: string) {
    this.nats = nats;
    this.#folder = folder;
  }

  static async start(): Promise<EnrolmentFleet> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-fleet-'));
    const fleet = new EnrolmentFleet(await startSecureNats(), folder);
    await fleet.startCoordinator();
    return fleet;
  }

  async stop(): Promise<void> {
    for (const link of this.#links) await link.close();
    await this.stopSecond();
    await this.#stop();
    await this.nats.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  file(name: string): string {
    return join(this.#folder, name);
  }

  async bootstrap(): Promise<CoordinatorBootstrap> {
    const free = { host: '127.0.0.1', port: 0 };
    return {
      settings: await loadSettings({ file: null, dataDir: this.#folder, version: '0' }),
      nats: {
        servers: [this.nats.url],
        as: { kind: 'authority', folder: this.nats.authority.folder },
        ca: this.nats.authority.ca.certPem,
      },
      libraryRoot: this.file('library'),
      stateDir: this.file('state'),
      ...{ grpcListen: free, bytesListen: free, httpListen: free },
      security: {
        authorityFolder: this.nats.authority.folder,
        hosts: ['127.0.0.1'],
        agentNatsServers: [this.nats.url],
        otherByteUrls: [],
        localAgents: ['beside'],
      },
      ...{ metricsTokenFile: null, endpointFile: null, proveAlone: true },
    };
  }

  /** Resolves when it is ready and leads. */
  async startCoordinator(): Promise<void> {
    const one = await this.#run(await this.bootstrap());
    this.endpoint = await one.ready;
    this.#stop = one.stop;
    await one.leads;
  }

  /** Another one of the fleet, which does not lead. Gives where it listens. */
  async startSecond(): Promise<Endpoint> {
    const stateDir = this.file('state-of-second');
    const two = await this.#run({ ...(await this.bootstrap()), stateDir, proveAlone: false });
    this.#stopSecond = two.stop;
    return two.ready;
  }

  async stopSecond(): Promise<void> {
    await this.#stopSecond();
    this.#stopSecond = async () => {};
  }

  async #run(bootstrap: CoordinatorBootstrap) {
    const ready = Promise.withResolvers<Endpoint>();
    const leads = Promise.withResolvers<void>();
    const say = (fields: object, message: string) => {
      this.lines.push(JSON.stringify({ ...fields, message }));
      if (message === 'leading') leads.resolve();
      if (message === 'ready') ready.resolve(fields as Endpoint);
    };
    const log: Logger = { debug: say, info: say, warn: say, error: say, child: () => log };
    const end = new AbortController();
    const context = { signal: end.signal, cancel: never, force: never, drainFor: () => {} };
    const life = runCoordinator(bootstrap, log, context);
    life.catch((error: unknown) => ready.reject(error));
    const stop = async () => {
      end.abort(new Error('the test ends it'));
      await life;
    };
    return { ready: ready.promise, leads: leads.promise, stop };
  }

  async stopCoordinator(): Promise<void> {
    await this.#stop();
    this.#stop = async () => {};
  }

  /** The API, as the first admin. */
  async admin({ grpc }: Endpoint = this.endpoint) {
    const path = authorityPaths(this.nats.authority.folder).adminToken;
    const token = (await readFile(path, 'utf8')).trim();
    const metadata = new Metadata();
    metadata.set('authorization', `Bearer ${token}`);
    const tls = credentials.createSsl(Buffer.from(this.nats.authority.ca.certPem));
    return {
      metadata,
      access: new AccessServiceClient(grpc, tls),
      agents: new AgentServiceClient(grpc, tls),
      backups: new BackupServiceClient(grpc, tls),
    };
  }

  async newToken(): Promise<string> {
    const { access, metadata } = await this.admin();
    const request = { ttl: undefined, usesMax: 1, agentId: '' };
    const text = await new Promise<string>((resolve, reject) =>
      access.createJoinToken(request, metadata, (error, answer) =>
        error === null ? resolve(answer.text) : reject(error),
      ),
    );
    access.close();
    return text;
  }

  /** `applied` of the answer. */
  async revoke(agentId: string, at = this.endpoint): Promise<boolean> {
    const { access, metadata } = await this.admin(at);
    const applied = await new Promise<boolean>((resolve, reject) =>
      access.revokeAgent({ agentId }, metadata, (error, answer) =>
        error === null ? resolve(answer.applied) : reject(error),
      ),
    );
    access.close();
    return applied;
  }

  async stateOf(agentId: string): Promise<number | undefined> {
    const { agents, metadata } = await this.admin();
    const state = await new Promise<number | undefined>((resolve, reject) =>
      agents.getAgent({ agentId }, metadata, (error, answer) =>
        error === null ? resolve(answer.agent?.state) : reject(error),
      ),
    );
    agents.close();
    return state;
  }

  async backup(): Promise<Buffer> {
    const { backups, metadata } = await this.admin();
    const pieces: Uint8Array[] = [];
    for await (const { message } of backups.createBackup({ withTranscripts: false }, metadata))
      if (message?.$case === 'piece') pieces.push(message.value.data);
    backups.close();
    return Buffer.concat(pieces);
  }

  async joined(name: string): Promise<AgentCredential> {
    const token = tokenIn(await this.newToken());
    const credential = await joinFleet(token, agentNamed(name), { signal: never });
    if (!credential.ok) throw new Error(credential.error.sentence);
    await writeAgentCredential(this.file(`${name}.json`), credential.value);
    return credential.value;
  }

  /** To NATS, as an agent that joined. Rejects with NatsRefused. */
  async connected(
    { agent, natsServers, caPem }: AgentCredential,
    listen: (event: NatsEvent) => void = () => {},
  ): Promise<NatsLink> {
    const credentialFile = this.file(`${agent}.json`);
    const as = { kind: 'agent', credentialFile } as const;
    const link = await connectNats(
      {
        ...(await natsLogin({ servers: natsServers, as, ca: caPem })),
        name: agent,
        inboxPrefix: `${AGENT_INBOXES}.${agent}`,
        connectWithinMs: 3_000,
      },
      { clock: systemClock, random: Math.random, listen },
      never,
    );
    this.#links.push(link);
    return link;
  }
}
