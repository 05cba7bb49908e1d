import { join } from 'node:path';
import { formatS3Url } from '@podctl/platform/config/s3-place.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { isLoopback, parseAddress } from '@podctl/platform/endpoint.ts';
import { CommandError, EXIT } from '../command-error.ts';

/** What the command line asked for; null: nothing was said. */
export interface Wishes {
  readonly advertise: readonly string[] | null;
  readonly natsHosts: readonly string[] | null;
  readonly replicas: number | null;
  readonly libraryDir: string | null;
  /** `library.url` of a bucket, in place of a folder. */
  readonly libraryBucket?: string | null;
}

/** What counts: a configuration that is there is the person's, and wins. */
export interface Settled {
  readonly advertise: readonly string[] | null;
  readonly natsHosts: readonly string[];
  readonly replicas: number;
  readonly libraryDir: string | null;
  /** Absent or null: it is a folder. */
  readonly libraryBucket?: string | null;
}

/** @param there the settings that are there; null: none yet. Throws CommandError for what cannot go together. */
export function settled(wishes: Wishes, there: Settings | null): Settled {
  if (there !== null) return fromSettings(there);
  const { advertise, libraryDir, libraryBucket = null } = wishes;
  const natsHosts = wishes.natsHosts ?? [ownNats(advertise)];
  if (natsHosts.length !== 1 && natsHosts.length !== 3)
    throw new CommandError(
      EXIT.usage,
      `--nats-host names ${natsHosts.length} hosts; expected one, or three with commas between: two servers lose their majority with either`,
    );
  if (new Set(natsHosts).size !== natsHosts.length)
    throw new CommandError(
      EXIT.usage,
      '--nats-host names a host twice; expected three different ones',
    );
  const replicas = wishes.replicas ?? natsHosts.length;
  if (replicas > natsHosts.length)
    throw new CommandError(
      EXIT.usage,
      `--replicas ${replicas} needs as many NATS servers; name three with --nats-host a,b,c`,
    );
  const place = libraryBucket === null ? { libraryDir } : { libraryDir, libraryBucket };
  return { advertise, natsHosts, replicas, ...place };
}

/** What was asked for and stands otherwise in the file that is there, in words. */
export function unmet(wishes: Wishes, there: Settings): readonly string[] {
  const { advertise, natsHosts, replicas, ...library } = fromSettings(there);
  const libraryIs = library.libraryBucket ?? library.libraryDir;
  const libraryWish = wishes.libraryBucket ?? wishes.libraryDir;
  const differs = (wish: readonly string[] | null, is: readonly string[] | null) =>
    wish !== null && wish.join(',') !== is?.join(',');
  const words: string[] = [];
  if (differs(wishes.advertise, advertise))
    words.push(`coordinator.advertise is ${advertise?.join(',') ?? 'not set'} (--host)`);
  if (differs(wishes.natsHosts, natsHosts))
    words.push(`nats.url names ${natsHosts.join(',')} (--nats-host)`);
  if (wishes.replicas !== null && wishes.replicas !== replicas)
    words.push(`nats.replicas is ${replicas} (--replicas)`);
  if (libraryWish !== null && libraryWish !== libraryIs)
    words.push(`library.url is ${libraryIs ?? 'not set'} (--library)`);
  return words;
}

function fromSettings({ coordinator, nats, library, dataDir }: Settings): Settled {
  const { advertise } = coordinator;
  const urls = nats.servers ?? [];
  const natsHosts = urls.map((url) => parseAddress(url.replace(/^[a-z]+:\/\//, '')).host);
  return {
    advertise,
    natsHosts: natsHosts.length === 0 ? [ownNats(advertise)] : natsHosts,
    replicas: nats.replicas,
    libraryDir: library.folder === join(dataDir, 'library') ? null : library.folder,
    ...(library.s3 === null ? {} : { libraryBucket: formatS3Url(library.s3) }),
  };
}

/** The only server runs beside the coordinator. */
function ownNats(advertise: readonly string[] | null): string {
  const [first] = advertise ?? [];
  return first !== undefined && isLoopback(first) ? first : '127.0.0.1';
}
