import { createWriteStream, fstatSync, mkdirSync, openSync, renameSync } from 'node:fs';
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

  function open() {
    const fd = openSync(path, 'a', 0o600);
    sizeBytes = fstatSync(fd).size;
    const opened = createWriteStream(path, { fd });
    // A full disk must not end `up`, whose work has errors of its own to tell it.
    opened.on('error', () => undefined);
    return opened;
  }
  function rotate(): void {
    stream.end();
    renameSync(path, `${path}.1`);
    stream = open();
  }
  function append(line: string): void {
    if (sizeBytes > 0 && sizeBytes + line.length >= bytesMax) rotate();
    sizeBytes += Buffer.byteLength(line) + 1;
    stream.write(`${line}\n`);
  }
  return {
    path,
    write(line) {
      if (closed) return;
      if (stream.writableLength > UNWRITTEN_BYTES_MAX) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0) append(`(${leftOut} lines are left out: the disk did not keep up)`);
      leftOut = 0;
      append(line);
    },
    async close() {
      if (closed) return;
      closed = true;
      stream.end();
      await finished(stream).catch(() => undefined);
    },
  };
}
