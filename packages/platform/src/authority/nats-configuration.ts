import { join } from 'node:path';
import type { Authority } from './authority.ts';
import { accountJwt, operatorJwt, publicKeyOf, systemAccountJwt } from './nats-claims.ts';

/** What a nats-server must be told so that it lets in whom the authority lets in, and nobody else. */
export interface NatsTrust {
  readonly operatorJwt: string;
  readonly systemAccount: string;
  readonly account: string;
  /** By public key, as they are at the beginning: without any revocation. */
  readonly accountJwts: ReadonlyMap<string, string>;
}

export async function natsTrust({ nats }: Authority): Promise<NatsTrust> {
  const account = publicKeyOf(nats.account);
  const systemAccount = publicKeyOf(nats.systemAccount);
  return {
    operatorJwt: await operatorJwt(nats),
    systemAccount,
    account,
    accountJwts: new Map([
      [systemAccount, await systemAccountJwt(nats)],
      // The oldest there can be: any other one is newer.
      [account, await accountJwt(nats, new Map(), 1)],
    ]),
  };
}

/** Where a server keeps the accounts that it was told of: revocations outlive it there. */
export function accountFile(folder: string, account: string): string {
  return join(folder, `${account}.jwt`);
}

/**
 * Lines of a nats-server's configuration. The accounts are not among them: they lie in the resolver's folder
 * (`accountFile`) before the first start, and from then on the server keeps there what it is told.
 */
export function trustLines(trust: NatsTrust, resolverFolder: string): readonly string[] {
  return [
    `operator: ${trust.operatorJwt}`,
    `system_account: ${trust.systemAccount}`,
    'resolver {',
    '  type: full',
    `  dir: ${JSON.stringify(resolverFolder)}`,
    '  allow_delete: false',
    // A server that was away when somebody was revoked lets them in until it has asked the others.
    '  interval: "3s"',
    '  limit: 8',
    '}',
  ];
}

/** Lines for TLS at the client listener. */
export function tlsLines(certFile: string, keyFile: string): readonly string[] {
  return [
    'tls {',
    `  cert_file: ${JSON.stringify(certFile)}`,
    `  key_file: ${JSON.stringify(keyFile)}`,
    '  min_version: "1.3"',
    '  timeout: 5',
    '}',
  ];
}
