import { createHmac } from 'node:crypto';
import type { NatsSeeds } from '@podctl/platform/authority/nats-claims.ts';
import {
  type NatsTrust,
  tlsLines,
  trustLines,
} from '@podctl/platform/authority/nats-configuration.ts';
import { formatAddress } from '@podctl/platform/endpoint.ts';

export const NATS_PORT = 4_222;
const MONITOR_PORT = 8_222;
const ROUTE_PORT = 6_222;

/** Names in a server's folder, which is also the folder that it is started in: it works wherever it is copied to. */
export const NATS_FILES = {
  main: 'nats-server.conf',
  trust: 'trust.conf',
  routes: 'routes.conf',
  certificate: 'tls.crt',
  key: 'tls.key',
  ca: 'ca.crt',
  routeCertificate: 'route.crt',
  routeKey: 'route.key',
  accounts: 'accounts',
} as const;

/** One server of the fleet, as far as its own files differ from those of the others. */
export interface NatsServer {
  /** Its identity in a cluster: a replaced machine keeps it, and two never share it. */
  readonly name: string;
  /** Where it listens for clients and for the other servers. */
  readonly listenHost: string;
  readonly monitorHost: string;
  /** Where each server of the cluster is, this one included; empty: it is the only one. */
  readonly peers: readonly string[];
}

/** `nats-server.conf`. Nothing of it is secret, and nothing depends on the fleet's keys. */
export function natsServerText({ name, listenHost, monitorHost, peers }: NatsServer): string {
  const listen = (host: string, port: number) => JSON.stringify(formatAddress({ host, port }));
  return [
    `# A NATS server of podctl. Start it in this folder: nats-server -c ${NATS_FILES.main}`,
    '# "podctl coordinator init" wrote this file and changes it no more: it is yours. Paths are below the folder that the',
    '# server is started in.',
    `server_name: ${JSON.stringify(name)}`,
    `listen: ${listen(listenHost, NATS_PORT)}`,
    '# Health and figures for the machine itself. They ask for no credentials, so they stay on loopback.',
    `http: ${listen(monitorHost, MONITOR_PORT)}`,
    ...COMMON_LINES,
    '# Whom it lets in, and its TLS.',
    `include ${JSON.stringify(NATS_FILES.trust)}`,
    ...(peers.length === 0 ? [] : clusterLines(listen(listenHost, ROUTE_PORT))),
    '',
  ].join('\n');
}

const COMMON_LINES: readonly string[] = [
  '',
  "# The largest value is an episode's state, far below 1 MB.",
  'max_payload: 1MB',
  '# A dead peer is noticed after two unanswered pings: a coordinator behind a cut cable must not keep its subscriptions.',
  'ping_interval: 10s',
  'ping_max: 2',
  '# A polite stop (systemctl stop, or nats-server --signal ldm=PID) moves the clients to other servers during this time.',
  'lame_duck_duration: 30s',
  'lame_duck_grace_period: 5s',
  '',
  'jetstream {',
  '  # A local disk, never a network share: the sync before each acknowledgement is only worth what the disk promises.',
  '  store_dir: "data"',
  '  # Below what the disk has. A million episodes take 0.2 GB, and twice that while the files are compacted. When it is',
  '  # full, writes are refused (alert PodctlStateWritesFailing); nothing is deleted.',
  '  max_file_store: 8GB',
  '  # Every bucket of podctl is on disk: a memory bucket forgets its revisions with the server, and tokens are revisions.',
  '  max_memory_store: 64MB',
  '  # Synced before it is acknowledged. With the default, 2 minutes, a power cut takes back results that were answered',
  '  # `accepted`. It costs throughput: 2,000 CAS writes a second instead of 19,000 on one server with 64 in flight.',
  '  sync_interval: always',
  '}',
  '',
];

function clusterLines(listen: string): readonly string[] {
  return [
    '',
    'cluster {',
    '  # Servers of another name are not let in.',
    '  name: "podctl"',
    `  listen: ${listen}`,
    '  # The password between the servers, and where they are.',
    `  include ${JSON.stringify(NATS_FILES.routes)}`,
    '  tls {',
    `    cert_file: ${JSON.stringify(NATS_FILES.routeCertificate)}`,
    `    key_file: ${JSON.stringify(NATS_FILES.routeKey)}`,
    `    ca_file: ${JSON.stringify(NATS_FILES.ca)}`,
    '    verify: true',
    '    min_version: "1.3"',
    '    timeout: 5',
    '  }',
    '}',
  ];
}

/** `trust.conf`: the fleet's own, so that a person has nothing to change in it. */
export function trustText(trust: NatsTrust): string {
  return [
    "# Who signs the fleet's credentials, and the certificate for clients.",
    ...trustLines(trust, NATS_FILES.accounts),
    ...tlsLines(NATS_FILES.certificate, NATS_FILES.key),
    '',
  ].join('\n');
}

/** What `--dry-run` shows of it before there are keys. */
export const TRUST_WITHOUT_KEYS: NatsTrust = {
  operatorJwt: "<signed by the fleet's keys>",
  systemAccount: '<its public key>',
  account: '<its public key>',
  accountJwts: new Map(),
};

/** `routes.conf`: holds the password between the servers. */
export function routesText(seeds: NatsSeeds, peers: readonly string[]): string {
  const password = routePassword(seeds);
  return [
    "# The password of the cluster's servers: the fleet's CA signs agents' certificates too, so one of those is not enough.",
    `authorization { user: "route", password: "${password}", timeout: 5 }`,
    'routes: [',
    ...peers.map(
      (host) => `  "nats-route://route:${password}@${formatAddress({ host, port: ROUTE_PORT })}"`,
    ),
    ']',
    '',
  ].join('\n');
}

/** From the keys, so that whoever has them makes the same one, and nobody else. In hex: it stands in an address. */
function routePassword({ operator }: NatsSeeds): string {
  return createHmac('sha256', operator).update('podctl: password of the NATS routes').digest('hex');
}
