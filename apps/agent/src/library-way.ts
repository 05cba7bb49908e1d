import { systemClock } from '@podctl/platform/clock.ts';
import type { DirectLibrary } from '@podctl/platform/library/direct-access.ts';
import { type FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import type { Dispatcher } from 'undici';
import type { AgentConfig } from './config.ts';
import type { AttemptStore } from './shell/attempt-store.ts';
import { ByteClient } from './shell/byte-client.ts';
import { OwnDesk } from './shell/direct-desk.ts';
import { MountedStore } from './shell/mounted-store.ts';
import { openSpool, SpooledStore } from './shell/spooled-store.ts';
import { StoreClient } from './shell/store-client.ts';

/** How this agent reaches the library. */
export interface LibraryWay {
  /** The library itself where it is mounted; else a folder of the agent's own, from which everything is sent. */
  readonly onDisk: FileLibrary;
  /** The library's bucket, where this machine has credentials for it and asks no coordinator. */
  readonly bucket: DirectLibrary | null;
  readonly store: StoreClient;
}

/** The S3 client is loaded here and nowhere before. Rejects with `LibraryError`. */
export async function openLibraryWay(config: AgentConfig): Promise<LibraryWay> {
  const { coordinators, libraryRoot, stateDir, settings } = config;
  const { s3 } = settings.library;
  const store = new StoreClient();
  if (coordinators.length > 0) return { onDisk: await openSpool(stateDir), bucket: null, store };
  if (s3 === null) return { onDisk: await openLibrary(libraryRoot, null), bucket: null, store };
  const { openS3 } = await import('@podctl/platform/library/s3/s3-open.ts');
  const bucket = openS3(s3);
  const library = await bucket.open(null);
  const direct = bucket.directTo(library);
  return { onDisk: await openSpool(stateDir), bucket: { library, direct }, store };
}

interface StoreReach {
  /** To the coordinators. */
  readonly dispatcher: Dispatcher;
  readonly moved: (direction: 'in' | 'out', bytes: number) => void;
  readonly transcribers: number;
}

export function attemptStoreOf(
  { coordinators, settings, agent }: AgentConfig,
  { onDisk, bucket, store }: LibraryWay,
  { dispatcher, moved, transcribers }: StoreReach,
): AttemptStore {
  const freeBytesMin = settings.library.freeFloorBytes;
  if (coordinators.length === 0 && bucket === null)
    return new MountedStore(onDisk, agent, freeBytesMin);
  const ports = { coordinators, dispatcher, clock: systemClock, random: Math.random, moved };
  return new SpooledStore({
    spool: onDisk,
    client: new ByteClient(ports),
    store,
    own: bucket === null ? null : new OwnDesk(bucket.library, bucket.direct),
    freeBytesMin,
    inputBytesMax: transcribers === 0 ? 0 : settings.agent.spoolBytesMax,
    moved,
  });
}
