import type { Clock } from '@podctl/platform/clock.ts';
import {
  type BackupServiceServer,
  BackupServiceService,
  type CreateBackupResponse,
} from '@podctl/proto/podctl/v1/backup.ts';
import { type BackupNews, BackupSource } from '../shell/backup-source.ts';
import type { Fleet } from '../shell/fleet.ts';
import type { Handlers, Send } from './handler.ts';
import type { Failure } from './status.ts';

export const backupServiceDefinition = BackupServiceService;

export function backupService(fleet: Fleet, handlers: Handlers, clock: Clock): BackupServiceServer {
  let isRunning = false;
  return {
    createBackup: handlers.streaming('CreateBackup', async ({ withTranscripts }, send, signal) => {
      if (isRunning)
        return {
          kind: 'exhausted',
          message: 'a backup is being made already: wait for its end, or ask another coordinator',
        };
      isRunning = true;
      try {
        return await backup(fleet, clock, withTranscripts, send, signal);
      } finally {
        isRunning = false;
      }
    }),
  };
}

async function backup(
  fleet: Fleet,
  clock: Clock,
  withTranscripts: boolean,
  send: Send<CreateBackupResponse>,
  signal: AbortSignal,
): Promise<Failure | null> {
  // Half a snapshot would make half a backup.
  if (!fleet.isLoaded() || fleet.picture().snapshot.cluster === null)
    return {
      kind: 'unavailable',
      message: 'this coordinator has not loaded the state yet: try again in a few seconds',
    };
  const source = new BackupSource(
    {
      snapshot: () => fleet.picture().snapshot,
      value: (...of) => fleet.value(...of),
      nowMs: () => clock.wallMs(),
      version: fleet.info().version,
      library: withTranscripts ? fleet.library : null,
    },
    signal,
  );
  for await (const news of source.run()) await send({ message: messageOf(news) }, signal);
  return null;
}

function messageOf(news: BackupNews): CreateBackupResponse['message'] {
  switch (news.kind) {
    case 'piece': {
      const { keys, total } = news;
      const data = Buffer.from(news.data);
      return { $case: 'piece', value: { data, keys: BigInt(keys), total: BigInt(total) } };
    }
    case 'summary': {
      const { cluster, revision, keys, episodes, feeds, sha256 } = news;
      const { transcripts, unreadTranscripts } = news;
      const value = {
        clusterId: cluster,
        revision: BigInt(revision),
        keys: BigInt(keys),
        episodes: BigInt(episodes),
        feeds: BigInt(feeds),
        sha256,
        transcripts: BigInt(transcripts),
        unreadTranscripts: BigInt(unreadTranscripts),
      };
      return { $case: 'summary', value };
    }
  }
}
