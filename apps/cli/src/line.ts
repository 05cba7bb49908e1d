import { type Client, connectivityState, credentials } from '@grpc/grpc-js';
import { AgentServiceClient } from '@podctl/proto/podctl/v1/agent.ts';
import { BackupServiceClient } from '@podctl/proto/podctl/v1/backup.ts';
import { EpisodeServiceClient } from '@podctl/proto/podctl/v1/episode.ts';
import { FeedServiceClient } from '@podctl/proto/podctl/v1/feed.ts';
import { FleetServiceClient } from '@podctl/proto/podctl/v1/fleet.ts';
import { LibraryServiceClient } from '@podctl/proto/podctl/v1/library.ts';
import { LockServiceClient } from '@podctl/proto/podctl/v1/lock.ts';
import { TranscriptServiceClient } from '@podctl/proto/podctl/v1/transcript.ts';

// A ping each 30 s, only while a call is open: a dead peer is noticed, and no server takes it for abuse.
const channelOptions = {
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.max_receive_message_length': 256 * 1024 * 1024,
};

/** The services of the coordinator at one address. Nothing is connected before the first call. */
export class Line {
  readonly address: string;
  readonly feeds: FeedServiceClient;
  readonly episodes: EpisodeServiceClient;
  readonly agents: AgentServiceClient;
  readonly locks: LockServiceClient;
  readonly fleet: FleetServiceClient;
  readonly transcripts: TranscriptServiceClient;
  readonly library: LibraryServiceClient;
  readonly backups: BackupServiceClient;

  constructor(address: string) {
    this.address = address;
    const plain = credentials.createInsecure();
    this.feeds = new FeedServiceClient(address, plain, channelOptions);
    this.episodes = new EpisodeServiceClient(address, plain, channelOptions);
    this.agents = new AgentServiceClient(address, plain, channelOptions);
    this.locks = new LockServiceClient(address, plain, channelOptions);
    this.fleet = new FleetServiceClient(address, plain, channelOptions);
    this.transcripts = new TranscriptServiceClient(address, plain, channelOptions);
    this.library = new LibraryServiceClient(address, plain, channelOptions);
    this.backups = new BackupServiceClient(address, plain, channelOptions);
  }

  close(): void {
    for (const client of this.#clients()) client.close();
  }

  #clients(): readonly Client[] {
    const { feeds, episodes, agents, locks, fleet, transcripts, library, backups } = this;
    return [feeds, episodes, agents, locks, fleet, transcripts, library, backups];
  }
}

/** Whether a connection stands: a call that ended without one was never sent. */
export function isConnected(client: Client): boolean {
  return client.getChannel().getConnectivityState(false) === connectivityState.READY;
}
