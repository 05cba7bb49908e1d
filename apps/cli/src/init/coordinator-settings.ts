import { formatAddress } from '@podctl/platform/endpoint.ts';
import { NATS_PORT } from './nats-files.ts';

/** What `podctl.yaml` of a coordinator says: everything else is at its default. */
export interface CoordinatorWish {
  readonly dataDir: string;
  readonly authorityDir: string;
  /** Null: in the data folder. */
  readonly libraryDir: string | null;
  /** `library.url` of a bucket, in place of a folder. */
  readonly libraryBucket?: string | null;
  readonly natsHosts: readonly string[];
  readonly replicas: number;
  /** Where it listens for people and agents. */
  readonly listenHost: string;
  /** Health and metrics. */
  readonly monitorHost: string;
  /** Null: found out from the machine at each start. */
  readonly advertise: readonly string[] | null;
  /** How it is started anew, in words. */
  readonly restart: string;
}

export const COORDINATOR_PORTS = { grpc: 7_070, bytes: 7_071, http: 7_072 } as const;

/** Without a secret: those are in the authority's folder. */
export function coordinatorSettingsText(wish: CoordinatorWish): string {
  const text = (value: string) => JSON.stringify(value);
  const address = (host: string, port: number) => text(formatAddress({ host, port }));
  const folder = wish.libraryDir === null ? null : `file:${wish.libraryDir}`;
  const libraryUrl = wish.libraryBucket ?? folder;
  const urls = wish.natsHosts.map((host) => `tls://${formatAddress({ host, port: NATS_PORT })}`);
  return [
    '# Settings of the coordinator on this machine; docs/configuration.md lists them all. "podctl coordinator init" wrote this',
    `# file and changes it no more: it is yours. What you change counts after: ${wish.restart}`,
    `dataDir: ${text(wish.dataDir)}`,
    ...(libraryUrl === null ? [] : ['library:', `  url: ${text(libraryUrl)}`]),
    'nats:',
    `  url: ${text(urls.join(','))}`,
    `  replicas: ${wish.replicas}`,
    'coordinator:',
    '  grpc:',
    `    listen: ${address(wish.listenHost, COORDINATOR_PORTS.grpc)}`,
    '  bytes:',
    `    listen: ${address(wish.listenHost, COORDINATOR_PORTS.bytes)}`,
    '  http:',
    `    listen: ${address(wish.monitorHost, COORDINATOR_PORTS.http)}`,
    ...(wish.advertise === null ? [] : [`  advertise: ${text(wish.advertise.join(','))}`]),
    'security:',
    `  authority: ${text(wish.authorityDir)}`,
    '',
  ].join('\n');
}
