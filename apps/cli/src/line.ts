import { checkServerIdentity } from 'node:tls';
import {
  type ChannelCredentials,
  type Client,
  type ClientOptions,
  connectivityState,
  credentials,
  InterceptingCall,
  type Interceptor,
} from '@grpc/grpc-js';
import { SERVER_NAMES } from '@podctl/platform/authority/server-names.ts';
import { parseAddress } from '@podctl/platform/endpoint.ts';
import { AccessServiceClient } from '@podctl/proto/podctl/v1/access.ts';
import { AgentServiceClient } from '@podctl/proto/podctl/v1/agent.ts';
import { BackupServiceClient } from '@podctl/proto/podctl/v1/backup.ts';
import { EpisodeServiceClient } from '@podctl/proto/podctl/v1/episode.ts';
import { EventServiceClient } from '@podctl/proto/podctl/v1/event.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient } from '@podctl/proto/podctl/v1/fleet.ts';
import { HostServiceClient } from '@podctl/proto/podctl/v1/host.ts';
import { JobServiceClient } from '@podctl/proto/podctl/v1/job.ts';
import { LibraryServiceClient } from '@podctl/proto/podctl/v1/library.ts';
import { LockServiceClient } from '@podctl/proto/podctl/v1/lock.ts';
import { QualityServiceClient } from '@podctl/proto/podctl/v1/quality.ts';
import { ReportServiceClient } from '@podctl/proto/podctl/v1/report.ts';
import { TranscriptServiceClient } from '@podctl/proto/podctl/v1/transcript.ts';
import type { Endpoint } from './endpoint.ts';

// A ping each 30 s, only while a call is open: a dead peer is noticed, and no server takes it for abuse.
const channelOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 0,
  // A message of a busy fleet is longer than HTTP/2's 64 KiB: sent in pieces, each upon leave, it costs both ends more.
  'grpc-node.flow_control_window': 1_024 * 1_024,
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
  // A proxy of the environment is for the web: a coordinator on this machine, or at a tunnel's end, is not behind it.
  'grpc.enable_http_proxy': 0,
};

/** The services of the coordinator at one address. Nothing is connected before the first call. */
export class Line {
  readonly address: string;
  readonly feeds: FeedServiceClient;
  readonly episodes: EpisodeServiceClient;
  readonly agents: AgentServiceClient;
  readonly hosts: HostServiceClient;
  readonly locks: LockServiceClient;
  readonly jobs: JobServiceClient;
  readonly fleet: FleetServiceClient;
  readonly transcripts: TranscriptServiceClient;
  readonly library: LibraryServiceClient;
  readonly backups: BackupServiceClient;
  readonly access: AccessServiceClient;
  readonly events: EventServiceClient;
  readonly reports: ReportServiceClient;
  readonly quality: QualityServiceClient;

  constructor(address: string, { ca, token }: Pick<Endpoint, 'ca' | 'token'>) {
    this.address = address;
    const channel = channelCredentials(address, ca);
    // A client takes the interceptors out of the options that it is given.
    const options = () => clientOptions(ca, token);
    this.feeds = new FeedServiceClient(address, channel, options());
    this.episodes = new EpisodeServiceClient(address, channel, options());
    this.agents = new AgentServiceClient(address, channel, options());
    this.hosts = new HostServiceClient(address, channel, options());
    this.locks = new LockServiceClient(address, channel, options());
    this.jobs = new JobServiceClient(address, channel, options());
    this.fleet = new FleetServiceClient(address, channel, options());
    this.transcripts = new TranscriptServiceClient(address, channel, options());
    this.library = new LibraryServiceClient(address, channel, options());
    this.backups = new BackupServiceClient(address, channel, options());
    this.access = new AccessServiceClient(address, channel, options());
    this.events = new EventServiceClient(address, channel, options());
    this.reports = new ReportServiceClient(address, channel, options());
    this.quality = new QualityServiceClient(address, channel, options());
  }

  close(): void {
    for (const client of this.#clients()) client.close();
  }

  #clients(): readonly Client[] {
    const { feeds, episodes, agents, locks, jobs, fleet, transcripts, library, backups, access } =
      this;
    const first = [feeds, episodes, agents, locks, jobs, fleet, transcripts, library];
    return [...first, backups, access, this.events, this.hosts, this.reports, this.quality];
  }
}

/** Whether a connection stands: a call that ended without one was never sent. */
export function isConnected(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY;
}

function channelCredentials(address: string, ca: string | null): ChannelCredentials {
  if (ca === null) return credentials.createInsecure();
  const { host } = parseAddress(address);
  return credentials.createSsl(Buffer.from(ca), null, null, {
    // Through a tunnel or a NAT the address is another one; a proxy of the user's own has a name of its own.
    checkServerIdentity: (_, certificate) =>
      checkServerIdentity(SERVER_NAMES.coordinator, certificate) &&
      checkServerIdentity(host, certificate),
  });
}

function clientOptions(ca: string | null, token: string | null): ClientOptions {
  return {
    ...channelOptions,
    // A name, since TLS has none for an IP address, and Node warns of one on stderr.
    ...(ca === null ? {} : { 'grpc.ssl_target_name_override': SERVER_NAMES.coordinator }),
    ...(token === null ? {} : { interceptors: [bearer(token)] }),
  };
}

/** Shows the token with each call. */
function bearer(token: string): Interceptor {
  return (options, nextCall) =>
    new InterceptingCall(nextCall(options), {
      start: (metadata, listener, next) => {
        metadata.set('authorization', `Bearer ${token}`);
        next(metadata, listener);
      },
    });
}
