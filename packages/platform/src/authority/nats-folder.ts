import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../json-file.ts';
import type { Authority } from './authority.ts';
import { issueForServer } from './certificates.ts';
import { accountFile, natsTrust, tlsLines, trustLines } from './nats-configuration.ts';
import { SERVER_NAMES } from './server-names.ts';

export interface NatsFolderOptions {
  readonly folder: string;
  /** Names and addresses under which clients reach the server. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

export interface NatsFolder {
  /** Public key of the account that podctl works in: JetStream keeps its data in a folder of this name. */
  readonly account: string;
  /** Of the server's configuration. */
  readonly lines: readonly string[];
}

/** Nobody renews it by hand: `up` makes a new one at each start, and `coordinator init` when a third of it is left. */
export const SERVER_CERTIFICATE_LIFE_MS = 5 * 365 * 86_400_000;

/**
 * Puts what a nats-server needs to trust the authority into a folder: a certificate, and its accounts if they are not
 * there. Those that are there stay: they hold the revocations.
 */
export async function prepareNatsFolder(
  authority: Authority,
  { folder, hosts, nowMs }: NatsFolderOptions,
): Promise<NatsFolder> {
  const trust = await natsTrust(authority);
  const accounts = join(folder, 'accounts');
  await mkdir(accounts, { recursive: true, mode: 0o700 });
  for (const [key, jwt] of trust.accountJwts) {
    const path = accountFile(accounts, key);
    if (!(await isThere(path))) await writePrivateFile(path, jwt);
  }
  const [certFile, keyFile] = [join(folder, 'tls.crt'), join(folder, 'tls.key')];
  const validity = { fromMs: nowMs, toMs: nowMs + SERVER_CERTIFICATE_LIFE_MS };
  const certificate = await issueForServer(authority.ca, [SERVER_NAMES.nats, ...hosts], validity);
  await writePrivateFile(keyFile, certificate.keyPem);
  await writePrivateFile(certFile, certificate.certPem);
  return {
    account: trust.account,
    lines: [...trustLines(trust, accounts), ...tlsLines(certFile, keyFile)],
  };
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
