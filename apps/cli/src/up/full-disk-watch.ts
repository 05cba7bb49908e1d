import { statfs } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

/** What nats-server needs before it is worth starting it again. */
const ROOM_BYTES_MIN = 64 * 1024 * 1024;
const LOOK_MS = 2_000;
/**
 * As nats-server 2.15 logs it: `[ERR] JetStream stream 'A > S' critical write error: write …: no space left on device`,
 * `[ERR] JetStream failed to store a msg on stream …: … no space left on device`; and what it logs when it gives up.
 */
const CANNOT_WRITE =
  /\[(?:ERR|WRN|FTL)\] .*(?:no space left on device|JetStream out of resources)/i;

/** True for a line of nats-server that says that the disk is full. Its streams take nothing then until it is started anew. */
export function saysDiskFull(line: string): boolean {
  return CANNOT_WRITE.test(line);
}

/** Resolves when the folder's disk has room; looks every 2 s, the first time after 2 s. Rejects with the signal's reason. */
export async function roomAgain(folder: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    await delay(LOOK_MS, undefined, { signal });
    if (await hasRoom(folder)) return;
  }
}

async function hasRoom(folder: string): Promise<boolean> {
  try {
    const { bavail, bsize, ffree, files } = await statfs(folder);
    // A disk without room for another file is full too; some file systems count none.
    return bavail * bsize >= ROOM_BYTES_MIN && (files === 0 || ffree > 0);
  } catch {
    return false;
  }
}
