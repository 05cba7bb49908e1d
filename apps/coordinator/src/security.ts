import type { AgentId } from '@podctl/domain/ids.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import {
  type Authority,
  AuthorityError,
  openAuthority,
} from '@podctl/platform/authority/authority.ts';
import { fullCredentials } from '@podctl/platform/authority/nats-claims.ts';
import type { CoordinatorBootstrap, CoordinatorSecurity } from '@podctl/platform/bootstrap.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { formatAddress, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';
import type { Kv } from '@podctl/platform/kv.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { Metrics } from '@podctl/platform/metrics.ts';
import { connectNats, type NatsEvent } from '@podctl/platform/nats/connection.ts';
import { natsLogin, plainNatsProblem } from '@podctl/platform/nats-login.ts';
import type { Service } from '@podctl/platform/service.ts';
import { accessFamilies } from './api/access-metrics.ts';
import type { ByteSecurity } from './api/byte-server.ts';
import { plaintextProblem } from './plaintext.ts';
import { type PutOut, putOutBy } from './shell/access.ts';
import { AccessBook } from './shell/access-book.ts';
import { AccessDesk } from './shell/access-desk.ts';
import type { AuditLog } from './shell/audit-log.ts';
import { NatsRevocations } from './shell/nats-revocations.ts';
import { ServerCertificate } from './shell/server-certificate.ts';

/** Who is let in, and what the listeners show: where the fleet has keys. */
export interface Security extends ByteSecurity {
  readonly certificate: ServerCertificate;
  readonly putOut: PutOut;
  /** Before anything listens. */
  readonly first: readonly Service[];
  /** Before anybody is let in: who is, must be known. */
  readonly second: readonly Service[];
}

export interface SecurityParts {
  readonly bootstrap: CoordinatorBootstrap;
  readonly log: Logger;
  readonly audit: AuditLog;
  readonly page: Metrics;
  /** Of the byte listener as bound; null where there is none. */
  readonly byteAddress: () => string | null;
  /** Whether an agent of this name is there now. */
  readonly isLive: (agent: AgentId) => boolean;
  readonly openKv: (bucket: string) => Promise<Kv>;
}

/**
 * The fleet's keys; null where none are named. What listens beyond loopback needs them for itself, NATS for its users.
 * Rejects with SettingsError and AuthorityError.
 */
export async function fleetKeys(bootstrap: CoordinatorBootstrap): Promise<Authority | null> {
  const problem = bootstrap.security === null ? plaintextProblem(listenersOf(bootstrap)) : null;
  if (problem !== null) throw new SettingsError(problem);
  const plainNats = plainNatsProblem(bootstrap.nats);
  if (plainNats !== null) throw new SettingsError(plainNats);
  return await namedKeys(bootstrap);
}

/** Null where none are named. Rejects with AuthorityError when they are not there. */
export async function namedKeys({
  nats,
  security,
}: CoordinatorBootstrap): Promise<Authority | null> {
  const forNats = nats.as.kind === 'authority' ? nats.as.folder : null;
  const folder = security?.authorityFolder ?? forNats;
  if (folder === null) return null;
  const authority = await openAuthority(folder);
  if (authority !== null) return authority;
  throw new AuthorityError(
    `there are no keys of a fleet in ${folder}: make them with "podctl coordinator init", or copy them from another coordinator`,
  );
}

function listenersOf({ grpcListen, httpListen, bytesListen }: CoordinatorBootstrap) {
  return [
    { setting: 'coordinator.grpc.listen', ...grpcListen },
    { setting: 'coordinator.http.listen', ...httpListen },
    ...(bytesListen === null ? [] : [{ setting: 'coordinator.bytes.listen', ...bytesListen }]),
  ];
}

/** Null without the fleet's keys. */
export async function openSecurity(
  authority: Authority | null,
  { bootstrap, log, audit, page, byteAddress, isLive, openKv }: SecurityParts,
): Promise<Security | null> {
  const { security: of } = bootstrap;
  if (authority === null || of === null) return null;
  const clock = systemClock;
  const hosts = [...of.hosts, ...namedHosts(bootstrap)];
  const certificate = await ServerCertificate.make({ ca: authority.ca, hosts, clock, log });
  const kv = await openKv(BUCKETS.access);
  const book = new AccessBook(kv);
  const revocations =
    bootstrap.nats.as.kind === 'authority' ? revocationsAt(bootstrap, authority, book, log) : null;
  if (revocations === null) log.warn({}, NATS_OF_OTHERS);
  const access = new AccessDesk({
    ...{ authority, kv, book, audit, clock, log, isLive },
    place: () => ({
      natsServers: of.agentNatsServers,
      coordinators: byteUrls(of, byteAddress()),
    }),
    isRefused: async (key, revokedMs) => (await revocations?.isRefused(key, revokedMs)) ?? false,
  });
  page.addSource(() => accessFamilies(book, revocations));
  return {
    ...{ access, audit, certificate, clock },
    putOut: putOutBy({
      book,
      localAgents: of.localAgents,
      needsRecord: bootstrap.nats.as.kind === 'authority',
    }),
    first: [certificate],
    second: [book, ...(revocations === null ? [] : [revocations]), access],
  };
}

const NATS_OF_OTHERS =
  'NATS is used as a user of its own and not by the keys of the fleet: agents that join are not let in there, and revocations do not reach it; leave nats.user out to use the keys';

/** Where agents are told to come: here first. */
function byteUrls(
  { hosts: [first], otherByteUrls }: CoordinatorSecurity,
  bound: string | null,
): readonly string[] {
  if (bound === null || first === undefined) return otherByteUrls;
  const { port } = parseAddress(bound);
  return [`https://${formatAddress({ host: first, port })}`, ...otherByteUrls];
}

/** What is listened on by name is also reached by that name. */
function namedHosts(bootstrap: CoordinatorBootstrap): readonly string[] {
  return listenersOf(bootstrap)
    .map(({ host }) => host)
    .filter((host) => !isWildcard(host));
}

function revocationsAt(
  { nats }: CoordinatorBootstrap,
  authority: Authority,
  book: AccessBook,
  log: Logger,
): NatsRevocations {
  const connect = async (listen: (event: NatsEvent) => void, signal: AbortSignal) => {
    const text = await fullCredentials(authority.nats, 'systemAccount', 'coordinator');
    const auth = { kind: 'credentials', read: () => text } as const;
    const login = { ...(await natsLogin(nats, authority)), auth };
    const ports = { clock: systemClock, random: Math.random, listen };
    return connectNats({ ...login, name: 'podctl-revocations' }, ports, signal);
  };
  return new NatsRevocations({ seeds: authority.nats, book, clock: systemClock, log, connect });
}
