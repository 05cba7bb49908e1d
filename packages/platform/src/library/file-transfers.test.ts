import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FileLibrary, openLibrary } from './file-library.ts';
import { FileTransfers } from './file-transfers.ts';
import { createLibrary } from './library-marker.ts';

const PATH = 'staging/c/j/1/audio.mp3';
const never = new AbortController().signal;
const limits = { signal: never, bytesMax: 1e9 };

let root: string;
let library: FileLibrary;
let files: FileTransfers;
beforeEach(async () => {
  root = join(await mkdtemp(join(tmpdir(), 'podctl-transfers-')), 'library');
  library = await openLibrary(root, await createLibrary(root));
  files = new FileTransfers(library);
});
afterEach(() => rm(join(root, '..'), { recursive: true }));

async function* bytes(...chunks: readonly (string | Buffer)[]) {
  for (const chunk of chunks) yield Buffer.from(chunk);
}
const expected = (text: string | Buffer) => ({
  sizeBytes: Buffer.byteLength(text),
  sha256: createHash('sha256').update(text).digest('hex'),
});

describe('a file that comes in pieces', () => {
  test('grows at its end, and has its name when it is what was expected', async () => {
    expect(await files.progress(PATH)).toEqual({ kind: 'absent' });
    expect(await files.append(PATH, 0, bytes('he', 'll'), limits)).toEqual({
      kind: 'appended',
      sizeBytes: 4,
    });
    expect(await library.stat(PATH)).toBeNull();
    expect(await files.progress(PATH)).toEqual({ kind: 'part', sizeBytes: 4 });
    expect(await files.append(PATH, 3, bytes('xx'), limits)).toEqual({
      kind: 'elsewhere',
      sizeBytes: 4,
    });
    await files.append(PATH, 4, bytes('o'), limits);
    expect(await files.complete(PATH, expected('hello'), never)).toBe(true);
    expect(await readdir(join(root, 'staging/c/j/1'))).toEqual(['audio.mp3']);
    expect(await readFile(join(root, PATH), 'utf8')).toBe('hello');
    expect(await files.progress(PATH)).toEqual({ kind: 'whole', sizeBytes: 5 });
  });

  test('that is not what was expected is dropped, and never has its name', async () => {
    await files.append(PATH, 0, bytes('hallo'), limits);
    expect(await files.complete(PATH, expected('hello'), never)).toBe(false);
    expect(await files.progress(PATH)).toEqual({ kind: 'absent' });
    expect(await library.stat(PATH)).toBeNull();
  });

  test('that another process writes to while it is looked at does not get its name', async () => {
    class Disturbed extends FileLibrary {
      override async hash(path: string, signal: AbortSignal) {
        const found = await super.hash(path, signal);
        await appendFile(join(root, path), 'late');
        return found;
      }
    }
    const disturbed = new FileTransfers(new Disturbed(library.root, library.id));
    await files.append(PATH, 0, bytes('hello'), limits);
    expect(await disturbed.complete(PATH, expected('hello'), never)).toBe(false);
    expect(await files.progress(PATH)).toEqual({ kind: 'absent' });
  });

  test('that has its name stays as it is', async () => {
    await files.append(PATH, 0, bytes('hello'), limits);
    await files.complete(PATH, expected('hello'), never);
    expect(await files.complete(PATH, expected('hello'), never)).toBe(true);
    expect(await files.complete(PATH, expected('other'), never)).toBe(false);
    expect(await readFile(join(root, PATH), 'utf8')).toBe('hello');
  });

  test('keeps what had come when its source breaks off, or it is called off', async () => {
    async function* broken() {
      yield Buffer.from('hel');
      throw new Error('cut');
    }
    await expect(files.append(PATH, 0, broken(), limits)).rejects.toThrow('cut');
    expect(await files.progress(PATH)).toEqual({ kind: 'part', sizeBytes: 3 });
    const stop = new AbortController();
    async function* endless() {
      yield Buffer.from('l');
      stop.abort(new Error('enough'));
      await new Promise(() => {});
    }
    const off = files.append(PATH, 3, endless(), { ...limits, signal: stop.signal });
    await expect(off).rejects.toThrow('enough');
    expect(await files.progress(PATH)).toEqual({ kind: 'part', sizeBytes: 4 });
  });

  test('takes no more than it may', async () => {
    const few = { ...limits, bytesMax: 4 };
    expect(await files.append(PATH, 0, bytes('hell', 'o'), few)).toEqual({ kind: 'too_large' });
    expect(await files.progress(PATH)).toEqual({ kind: 'part', sizeBytes: 4 });
  });

  test('lies below staging/ only, and follows no link', async () => {
    const refused = { code: 'refused' };
    for (const path of ['episodes/a/audio.mp3', 'staging', '../x', 'staging/../x', '/etc/x']) {
      await expect(files.append(path, 0, bytes('x'), limits)).rejects.toMatchObject(refused);
      await expect(files.complete(path, expected('x'), never)).rejects.toMatchObject(refused);
      await expect(files.progress(path)).rejects.toMatchObject(refused);
    }
    const outside = join(root, '../outside');
    await writeFile(outside, 'mine');
    await mkdir(join(root, 'staging/c/j/1'), { recursive: true });
    await symlink(outside, join(root, 'staging/c/j/1/.part-of-audio.mp3'));
    await expect(files.append(PATH, 0, bytes('x'), limits)).rejects.toMatchObject({ code: 'io' });
    expect(await readFile(outside, 'utf8')).toBe('mine');
  });

  test('is not begun where the library is away', async () => {
    await rm(join(root, 'library.json'));
    const offline = { code: 'offline' };
    await expect(files.append(PATH, 0, bytes('x'), limits)).rejects.toMatchObject(offline);
    await expect(files.progress(PATH)).rejects.toMatchObject(offline);
    await expect(files.readRange('episodes/a', 0, 1)).rejects.toMatchObject(offline);
    await expect(stat(join(root, 'staging'))).rejects.toThrow('ENOENT');
  });

  test('is read from any byte to any other', async () => {
    await library.write('episodes/a', bytes('hello'), never);
    const part = async (from: number, to: number) =>
      Buffer.concat(await (await files.readRange('episodes/a', from, to)).toArray()).toString();
    expect(await part(0, 5)).toBe('hello');
    expect(await part(1, 3)).toBe('el');
    await expect(part(0, 0)).rejects.toMatchObject({ code: 'refused' });
    await expect(files.readRange('episodes/b', 0, 1)).rejects.toMatchObject({ code: 'missing' });
  });

  test.skipIf(process.getuid?.() !== 0)(
    'on a disk that fills up keeps what fits, and goes on when there is room (needs root to mount one)',
    async () => {
      const mount = join(root, 'staging/c');
      await mkdir(mount, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'podctl-test', mount]);
      try {
        const whole = randomBytes(2_000_000);
        const chunks = Array.from({ length: 20 }, (_, i) =>
          whole.subarray(i * 100_000, (i + 1) * 100_000),
        );
        const full = files.append(PATH, 0, bytes(...chunks), limits);
        await expect(full).rejects.toMatchObject({ code: 'full' });
        execFileSync('mount', ['-o', 'remount,size=4m', mount]);
        const there = await files.progress(PATH);
        const sizeBytes = there.kind === 'part' ? there.sizeBytes : -1;
        expect(sizeBytes).toBeGreaterThanOrEqual(900_000);
        await files.append(PATH, sizeBytes, bytes(whole.subarray(sizeBytes)), limits);
        expect(await files.complete(PATH, expected(whole), never)).toBe(true);
      } finally {
        execFileSync('umount', [mount]);
      }
    },
  );
});
