import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ChannelCredentials,
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import { issueForServer, makeCa } from '@podctl/platform/authority/certificates.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import type { CallRefusal } from '../../apps/coordinator/src/api/grpc-metrics.ts';
import { GrpcServer } from '../../apps/coordinator/src/api/grpc-server.ts';
import type { AuditedCall } from '../../apps/coordinator/src/shell/audit-log.ts';
import { HandBuiltFleet } from './hand-built-fleet.ts';
import { MemoryAccess } from './memory-access.ts';

const DAY_MS = 86_400_000;
const cleanups: (() => Promise<void>)[] = [];

/** For afterEach: stops what the test made, newest first. */
export async function cleanUpSecure(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

/** A certificate for loopback, and the CA that a client trusts it by. */
export async function certificateForLoopback(nowMs = Date.now()) {
  const validity = { fromMs: nowMs, toMs: nowMs + DAY_MS };
  const ca = await makeCa(validity);
  const own = await issueForServer(ca, ['localhost', '127.0.0.1'], validity);
  return { ...own, caPem: ca.certPem };
}

/** A real server with TLS on a free port of loopback, with people in memory and a fleet built by hand. */
export async function secureApi(clock: Clock = systemClock) {
  const root = await mkdtemp(join(tmpdir(), 'podctl-secure-'));
  cleanups.push(() => rm(root, { recursive: true, force: true }));
  const library = await openLibrary(root, await createLibrary(root));
  const fleet = new HandBuiltFleet(clock, library);
  const access = new MemoryAccess();
  const certificate = { current: await certificateForLoopback() };
  const audited: AuditedCall[] = [];
  const refused: CallRefusal[] = [];
  const calls: string[] = [];
  const bugs: unknown[] = [];
  const server = new GrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    fleet,
    clock,
    security: { tls: () => certificate.current, access },
    onCall: (method, code) => calls.push(`${method} ${code}`),
    onBug: (_method, error) => bugs.push(error),
    onAudit: (call) => audited.push(call),
    onRefused: (reason) => refused.push(reason),
  });
  await server.start();
  cleanups.push(() => server.stop());
  const address = `127.0.0.1:${server.address?.port}`;
  const connect = (as: ChannelCredentials = trusting(certificate.current.caPem)) => {
    const client = new Client(address, as, { 'grpc.use_local_subchannel_pool': 1 });
    cleanups.push(async () => client.close());
    return client;
  };
  return { server, address, fleet, access, certificate, audited, refused, calls, bugs, connect };
}

export function trusting(caPem: string): ChannelCredentials {
  return credentials.createSsl(Buffer.from(caPem));
}

export function bearer(token: string | null): Metadata {
  const metadata = new Metadata();
  if (token !== null) metadata.set('authorization', `Bearer ${token}`);
  return metadata;
}

export type AnyMethod = Pick<MethodDefinition<unknown, unknown>, 'path' | 'responseStream'>;

export interface Outcome {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

const same = (bytes: Buffer) => bytes;

/** Sends bytes as they are. An answered stream is left after its first message, and counts as answered. */
export function callRaw(
  client: Client,
  { path, responseStream }: AnyMethod,
  metadata: Metadata,
  request: Buffer = Buffer.alloc(0),
): Promise<Outcome> {
  return new Promise((resolve) => {
    const answered = () => resolve({ code: status.OK, details: '', metadata: new Metadata() });
    const failed = (error: ServiceError) => resolve(error);
    const options = { deadline: Date.now() + 4_000 };
    if (!responseStream) {
      client.makeUnaryRequest(path, same, same, request, metadata, options, (error) =>
        error === null ? answered() : failed(error),
      );
      return;
    }
    const call = client.makeServerStreamRequest(path, same, same, request, metadata, options);
    call.on('error', failed);
    call.on('end', answered);
    call.once('data', () => {
      answered();
      call.cancel();
    });
  });
}
