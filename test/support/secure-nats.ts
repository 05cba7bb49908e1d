import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { fullCredentials } from '@podctl/platform/authority/nats-claims.ts';
import { prepareNatsFolder } from '@podctl/platform/authority/nats-folder.ts';
import { startNatsServer, type TestNatsServer } from './nats-server.ts';

/** A nats-server that lets in whom an authority lets in, over TLS. */
export interface SecureNats {
  /** `tls://host:port` */
  readonly url: string;
  readonly authority: Authority;
  readonly server: TestNatsServer;
  /** Files with credentials. */
  readonly coordinator: string;
  readonly system: string;
  readonly caFile: string;
  /** Of its own; removed by `stop`. */
  readonly folder: string;
  stop(): Promise<void>;
}

export async function startSecureNats(): Promise<SecureNats> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-secure-nats-'));
  const authority = await ensureAuthority(join(folder, 'authority'), Date.now());
  const trust = await prepareNatsFolder(authority, {
    folder: join(folder, 'nats'),
    hosts: ['127.0.0.1', 'localhost'],
    nowMs: Date.now(),
  });
  const server = await startNatsServer({ config: trust.lines.join('\n') });
  const write = async (name: string, text: string) => {
    const path = join(folder, name);
    await writeFile(path, text, { mode: 0o600 });
    return path;
  };
  const { nats, ca } = authority;
  return {
    url: server.url.replace('nats://', 'tls://'),
    authority,
    server,
    folder,
    coordinator: await write('coordinator.creds', await fullCredentials(nats, 'account', 'c')),
    system: await write('system.creds', await fullCredentials(nats, 'systemAccount', 's')),
    caFile: await write('ca.crt', ca.certPem),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
