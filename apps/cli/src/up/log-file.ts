import {
  createWriteStream,
  fstatSync,
  mkdirSync,
  openSync,
  renameSync,
  truncateSync,
  type WriteStream,
} from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';

export const LOG_BYTES_MAX = 10 * 1024 * 1024;
const UNWRITTEN_BYTES_MAX = 1024 * 1024;

/** A log of bounded size: when it is full it becomes `<path>.1`, in the place of the one before. */
export interface LogFile {
  readonly path: string;
  /** Takes one line, without its end. Lines are left out, and counted, when the disk does not keep up. */
  write(line: string): void;
  /** Resolves when everything taken is written. Safe twice. */
  close(): Promise<void>;
}

export function openLogFile(path: string, bytesMax: number = LOG_BYTES_MAX): LogFile {
  mkdirSync(dirname(path), { recursive: true });
  let sizeBytes = 0;
  let leftOut = 0;
  let stream = open();
  let closed = false;
  const ending = new Set<Promise<void>>();

  function open(): WriteStream {
    const fd = openSync(path, 'a', 0o600);
    sizeBytes = fstatSync(fd).size;
    const opened = createWriteStream(path, { fd });
    // A full disk must not end `up`, whose work has errors of its own to tell it.
    opened.on('error', () => undefined);
    return opened;
  }
  function end(): void {
    const ended = finished(stream).catch(() => undefined);
    ending.add(ended);
    ended.then(() => ending.delete(ended));
    stream.end();
  }
  function rotate(): void {
    end();
    try {
      renameSync(path, `${path}.1`);
    } catch {
      // The older lines go: what is new counts, and the size stays bounded.
      truncateSync(path);
    }
    stream = open();
  }
  function append(line: string): void {
    // After an error it takes nothing any more; the disk may have room again.
    if (stream.destroyed) stream = open();
    if (sizeBytes > 0 && sizeBytes + line.length >= bytesMax) rotate();
    sizeBytes += Buffer.byteLength(line) + 1;
    stream.write(`${line}\n`, (error) => {
      if (error) leftOut += 1;
    });
  }
  function take(line: string): void {
    const lost = leftOut;
    if (lost > 0) append(`(${lost} lines are left out: the disk did not keep up)`);
    leftOut -= lost;
    append(line);
  }
  return {
    path,
    write(line) {
      if (closed) return;
      if (!stream.destroyed && stream.writableLength > UNWRITTEN_BYTES_MAX) {
        leftOut += 1;
        return;
      }
      try {
        take(line);
      } catch {
        // The folder is gone, or no file can be opened: what is logged must not end who logs it.
        leftOut += 1;
      }
    },
    async close() {
      if (closed) return;
      closed = true;
      end();
      await Promise.all(ending);
    },
  };
}
