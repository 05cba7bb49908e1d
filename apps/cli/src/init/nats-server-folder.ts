import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import {
  issueForRoute,
  issueForServer,
  type KeyedCertificate,
  type Validity,
} from '@podctl/platform/authority/certificates.ts';
import { accountFile, natsTrust } from '@podctl/platform/authority/nats-configuration.ts';
import { SERVER_CERTIFICATE_LIFE_MS } from '@podctl/platform/authority/nats-folder.ts';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { writePrivateFile } from '@podctl/platform/json-file.ts';
import { CommandError, EXIT } from '../command-error.ts';
import {
  NATS_FILES,
  type NatsServer,
  natsServerText,
  routesText,
  trustText,
} from './nats-files.ts';
import { certificateProblem } from './server-certificate.ts';
import { textOrNull } from './text-file.ts';

export interface NatsServerFolder {
  readonly folder: string;
  readonly server: NatsServer;
  /** Names and addresses under which clients and the other servers reach it. */
  readonly hosts: readonly string[];
}

/** What is not as it should be, and how it is mended. */
export interface FolderRepair {
  readonly why: string;
  /** Only certificates: a running server takes them when it is told to read its files again. */
  readonly needsRestart: boolean;
  write(): Promise<void>;
}

/**
 * What a server's folder lacks. What a person may have edited is left as it is; what the server was told of its accounts,
 * too: the revocations are in there. Rejects with CommandError when the folder is another fleet's.
 */
export async function repairsOf(
  { folder, server, hosts }: NatsServerFolder,
  authority: Authority,
  nowMs: number,
): Promise<readonly FolderRepair[]> {
  const at = (name: string) => join(folder, name);
  const trust = await natsTrust(authority);
  const known = await textOrNull(at(NATS_FILES.trust));
  if (known !== null && !known.includes(trust.systemAccount)) throw foreign(folder);
  const repairs = [
    await missing(at(NATS_FILES.main), () => natsServerText(server)),
    await missing(at(NATS_FILES.trust), () => trustText(trust)),
    await accountsRepair(at(NATS_FILES.accounts), trust.accountJwts),
  ];
  const validity = { fromMs: nowMs, toMs: nowMs + SERVER_CERTIFICATE_LIFE_MS };
  repairs.push(
    await certificateRepair(
      { folder, files: [NATS_FILES.certificate, NATS_FILES.key], authority, validity },
      [SERVER_NAMES.nats, ...hosts],
      issueForServer,
    ),
  );
  if (server.peers.length > 0)
    repairs.push(
      await missing(at(NATS_FILES.routes), () => routesText(authority.nats, server.peers)),
      await missing(at(NATS_FILES.ca), () => authority.ca.certPem),
      await certificateRepair(
        { folder, files: [NATS_FILES.routeCertificate, NATS_FILES.routeKey], authority, validity },
        hosts,
        issueForRoute,
      ),
    );
  return repairs.filter((repair) => repair !== null);
}

async function missing(path: string, text: () => string): Promise<FolderRepair | null> {
  if ((await textOrNull(path)) !== null) return null;
  return {
    why: `there is no ${path}`,
    needsRestart: true,
    write: () => writePrivateFile(path, text()),
  };
}

async function accountsRepair(
  folder: string,
  jwts: ReadonlyMap<string, string>,
): Promise<FolderRepair | null> {
  const there = await readdir(folder).catch((): string[] => []);
  const absent = [...jwts].filter(([key]) => !there.includes(`${key}.jwt`));
  if (absent.length === 0) return null;
  return {
    why: `${folder} lacks accounts`,
    needsRestart: true,
    async write() {
      for (const [key, jwt] of absent) await writePrivateFile(accountFile(folder, key), jwt);
    },
  };
}

interface CertificatePlace {
  readonly folder: string;
  readonly files: readonly [certificate: string, key: string];
  readonly authority: Authority;
  readonly validity: Validity;
}

async function certificateRepair(
  { folder, files, authority, validity }: CertificatePlace,
  hosts: readonly string[],
  issue: typeof issueForServer,
): Promise<FolderRepair | null> {
  const [certPath, keyPath] = files.map((name) => join(folder, name)) as [string, string];
  const [certPem, keyPem] = [await textOrNull(certPath), await textOrNull(keyPath)];
  const wish = { caPem: authority.ca.certPem, hosts, nowMs: validity.fromMs };
  const why =
    certPem === null || keyPem === null
      ? `there is no ${certPath}`
      : certificateProblem(certPem, { ...wish, keyPem });
  if (why === null) return null;
  return {
    why,
    needsRestart: certPem === null,
    async write() {
      const made: KeyedCertificate = await issue(authority.ca, hosts, validity);
      await writePrivateFile(keyPath, made.keyPem);
      await writePrivateFile(certPath, made.certPem);
    },
  };
}

function foreign(folder: string): CommandError {
  return new CommandError(
    EXIT.conflict,
    `the NATS server in ${folder} trusts the keys of another fleet; restore this fleet's keys, or move that folder away, then run this again`,
  );
}
