/** A regular file of an archive. */
export interface ArchiveFile {
  /** At most 100 bytes of ASCII, with `/`. */
  readonly name: string;
  readonly data: Uint8Array;
}

const BLOCK = 512;

/** An archive in the POSIX ustar format, as `tar -x` reads it: files that only their owner may read. Throws for a name it cannot hold. */
export function ustar(files: readonly ArchiveFile[], modifiedMs: number): Buffer {
  const parts: Buffer[] = [];
  for (const { name, data } of files) {
    parts.push(header(name, data.length, modifiedMs), Buffer.from(data));
    parts.push(Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, modifiedMs: number): Buffer {
  if (!/^[\x20-\x7e]{1,100}$/.test(name)) throw new Error(`broken invariant: the name ${name}`);
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number) =>
    block.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(length - 1, '0')}\0`,
      at,
      'ascii',
    );
  block.write(name, 0, 'ascii');
  octal(0o600, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(modifiedMs / 1_000, 136, 12);
  // The sum of the header is reckoned with spaces in its own place.
  block.fill(' ', 148, 156);
  block.write('0', 156, 'ascii');
  block.write('ustar\x0000', 257, 'latin1');
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'ascii');
  return block;
}
