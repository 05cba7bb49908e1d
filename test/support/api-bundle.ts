import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  type CallOptions,
  type Client,
  type ClientReadableStream,
  type ClientUnaryCall,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import type { Clock } from '@podctl/platform/clock.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import type { EventStream } from '@podctl/platform/event-stream.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { AgentServiceClient } from '@podctl/proto/podctl/v1/agent.ts';
import { EpisodeServiceClient } from '@podctl/proto/podctl/v1/episode.ts';
import { EventServiceClient } from '@podctl/proto/podctl/v1/event.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient } from '@podctl/proto/podctl/v1/fleet.ts';
import { HostServiceClient } from '@podctl/proto/podctl/v1/host.ts';
import { JobServiceClient } from '@podctl/proto/podctl/v1/job.ts';
import { LockServiceClient } from '@podctl/proto/podctl/v1/lock.ts';
import { QualityServiceClient } from '@podctl/proto/podctl/v1/quality.ts';
import { ReportServiceClient } from '@podctl/proto/podctl/v1/report.ts';
import { TranscriptServiceClient } from '@podctl/proto/podctl/v1/transcript.ts';
import { GrpcServer } from '../../apps/coordinator/src/api/grpc-server.ts';
import { HandBuiltFleet } from './hand-built-fleet.ts';

const cleanups: (() => Promise<void>)[] = [];

/** For afterEach: stops what the test made, newest first. */
export async function cleanUp(): Promise<void> {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}

export type ApiBundle = Awaited<ReturnType<typeof apiBundle>>;

/** A real server on a free port of loopback over a fleet built by hand, with real clients and a library in a folder. */
export async function apiBundle(
  clock: Clock = systemClock,
  eventStream: EventStream | null = null,
) {
  const root = await mkdtemp(join(tmpdir(), 'podctl-api-'));
  cleanups.push(() => rm(root, { recursive: true, force: true }));
  const libraryRoot = join(root, 'library');
  const library = await openLibrary(libraryRoot, await createLibrary(libraryRoot));
  const fleet = new HandBuiltFleet(clock, library);
  const calls: string[] = [];
  const bugs: unknown[] = [];
  const server = new GrpcServer({
    listen: { host: '127.0.0.1', port: 0 },
    fleet,
    clock,
    security: null,
    eventStream,
    onCall: (method, code) => calls.push(`${method} ${code}`),
    onBug: (_method, error) => bugs.push(error),
    onAudit: () => undefined,
    onRefused: () => undefined,
  });
  await server.start();
  cleanups.push(() => server.stop());
  const address = `127.0.0.1:${server.address?.port}`;
  const clients = connect(address);
  cleanups.push(async () => {
    for (const client of Object.values<Client>(clients)) client.close();
  });
  const put = async (path: string, data: string | Uint8Array) => {
    await mkdir(dirname(join(libraryRoot, path)), { recursive: true });
    await writeFile(join(libraryRoot, path), data);
  };
  return { root, libraryRoot, fleet, server, address, calls, bugs, put, ...clients };
}

function connect(address: string) {
  const plain = credentials.createInsecure();
  return {
    fleets: new FleetServiceClient(address, plain),
    feeds: new FeedServiceClient(address, plain),
    reports: new ReportServiceClient(address, plain),
    quality: new QualityServiceClient(address, plain),
    episodes: new EpisodeServiceClient(address, plain),
    hosts: new HostServiceClient(address, plain),
    agents: new AgentServiceClient(address, plain),
    events: new EventServiceClient(address, plain),
    locks: new LockServiceClient(address, plain),
    jobs: new JobServiceClient(address, plain),
    transcripts: new TranscriptServiceClient(address, plain),
  };
}

type Method<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => ClientUnaryCall;

/** Asks for the first page, of the usual size. */
export const all = { pageSize: 0, pageToken: '' };

/** One unary call as a promise. */
export function ask<Request, Response>(
  method: Method<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method(request, new Metadata(), {}, (error, response) =>
      error === null ? resolve(response) : reject(error),
    );
  });
}

/** The error of a call that must fail. */
export async function failure(answer: Promise<unknown>): Promise<ServiceError> {
  return answer.then(
    () => {
      throw new Error('the call was answered');
    },
    (error: ServiceError) => error,
  );
}

/** The messages of a stream one at a time; cancelled when the test ends. */
export function reader<T>(call: ClientReadableStream<T>) {
  call.on('error', () => undefined);
  cleanups.push(async () => call.cancel());
  const messages: AsyncIterator<T> = call[Symbol.asyncIterator]();
  return async (): Promise<T> => {
    const next = await messages.next();
    if (next.done === true) throw new Error('the stream ended');
    return next.value;
  };
}

/** Looks again at each turn of the event loop: for what a peer on a socket does in its own time. */
export async function until(claim: () => boolean): Promise<void> {
  while (!claim()) await new Promise((resolve) => setImmediate(resolve));
}
