import { execFileSync } from 'node:child_process';
import {
  link,
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
import type { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FileLibrary, openLibrary } from './file-library.ts';
import { createLibrary } from './library-marker.ts';

let folder: string;
let root: string;
const never = new AbortController().signal;
const one = async function* (text: string) {
  yield Buffer.from(text);
};

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-file-library-'));
  root = join(folder, 'library');
});
afterEach(() => rm(folder, { recursive: true }));

describe('folders without files', () => {
  it('go, however deep; a link and what it leads to stay', async () => {
    const library = await openLibrary(root, await createLibrary(root));
    const own = join(root, 'episodes/alpha');
    await mkdir(join(own, 'one/two/three'), { recursive: true });
    await mkdir(join(own, 'other'));
    await mkdir(join(folder, 'elsewhere/empty'), { recursive: true });
    await symlink(join(folder, 'elsewhere'), join(own, 'other/link'));
    await library.removeEmptyFolders('episodes/alpha');
    expect(await readdir(own)).toEqual(['other']);
    expect(await readdir(join(folder, 'elsewhere'))).toEqual(['empty']);
    await rm(join(own, 'other/link'));
    await library.removeEmptyFolders('episodes/alpha');
    expect(await readdir(join(root, 'episodes'))).toEqual([]);
  });
});

describe('a library is made', () => {
  it('in a new folder, with a marker that has its id', async () => {
    const id = await createLibrary(join(root, 'deep'));
    expect(id).toMatch(/^[a-z2-7]{16}$/);
    expect(await readdir(join(root, 'deep'))).toEqual(['library.json']);
    const marker = JSON.parse(await readFile(join(root, 'deep/library.json'), 'utf8'));
    expect(marker).toEqual({ version: 1, id, createdAt: expect.stringMatching(/^\d{4}-.*Z$/) });
    expect((await openLibrary(join(root, 'deep'), id)).id).toBe(id);
  });

  it('never where something lies already', async () => {
    await mkdir(root);
    await writeFile(join(root, 'thesis.doc'), '');
    await expect(createLibrary(root)).rejects.toMatchObject({
      code: 'refused',
      message: `${root} is not empty (it holds thesis.doc); name an empty folder for a new library`,
    });
  });

  it('once, of two that try together', async () => {
    const tries = await Promise.allSettled([createLibrary(root), createLibrary(root)]);
    const made = tries.filter((one) => one.status === 'fulfilled');
    expect(made).toHaveLength(1);
    expect((await openLibrary(root, made[0]?.value ?? '')).id).toBe(made[0]?.value);
    expect(await readdir(root)).toEqual(['library.json']);
  });
});

describe('a library is offline', () => {
  const offline = (says: string) => ({ code: 'offline', message: expect.stringContaining(says) });

  it('where its marker, or its folder, is not there', async () => {
    await expect(openLibrary(root, null)).rejects.toMatchObject(offline('is its disk mounted?'));
  });

  it('where the marker is another one', async () => {
    const id = await createLibrary(root);
    await expect(openLibrary(root, 'abcdefghijklmnop')).rejects.toMatchObject(
      offline(`${root} holds the library ${id}; expected abcdefghijklmnop`),
    );
    const library = await openLibrary(root, id);
    const other = { version: 1, id: 'abcdefghijklmnop', createdAt: '' };
    await writeFile(join(root, 'library.json'), JSON.stringify(other));
    expect(await library.check()).toMatchObject({ kind: 'offline' });
  });

  it.each(['', '{', '[]', 'null', '{"version":2,"id":"abcdefghijklmnop","createdAt":""}'])(
    'where the marker says %j',
    async (text) => {
      await createLibrary(root);
      await writeFile(join(root, 'library.json'), text);
      await expect(openLibrary(root, null)).rejects.toMatchObject(offline('version 1'));
    },
  );
});

describe('a symbolic link', () => {
  let library: FileLibrary;
  let outside: string;
  beforeEach(async () => {
    library = await openLibrary(root, await createLibrary(root));
    outside = join(folder, 'outside');
    await mkdir(outside);
    await writeFile(join(outside, 'secret'), 'secret');
  });

  it('leads nobody out of the library', async () => {
    await mkdir(join(root, 'staging'));
    await symlink(outside, join(root, 'staging/way'));
    const refused = { code: 'refused' };
    await expect(library.stat('staging/way/secret')).rejects.toMatchObject(refused);
    await expect(library.read('staging/way/secret')).rejects.toMatchObject(refused);
    await expect(library.write('staging/way/x', one('x'), never)).rejects.toMatchObject(refused);
    await expect(library.write('staging/way/x/y', one('x'), never)).rejects.toMatchObject(refused);
    await expect(library.link('staging/way/secret', 'a')).rejects.toMatchObject(refused);
    await expect(library.list('staging/way', 10)).rejects.toMatchObject(refused);
    await expect(library.removeStaging('staging/way/secret')).rejects.toMatchObject(refused);
    expect(await library.list('staging', 10)).toEqual([]);
    await library.removeStaging('staging/way');
    expect(await readdir(outside)).toEqual(['secret']);
  });

  it('is not a file, and a file written over it leaves its target alone', async () => {
    await mkdir(join(root, 'staging'));
    await symlink(join(outside, 'secret'), join(root, 'staging/a'));
    expect(await library.stat('staging/a')).toBeNull();
    await expect(library.read('staging/a')).rejects.toMatchObject({ code: 'missing' });
    await library.write('staging/a', one('mine'), never);
    expect(await readFile(join(outside, 'secret'), 'utf8')).toBe('secret');
  });
});

describe('the file driver', () => {
  let library: FileLibrary;
  beforeEach(async () => {
    library = await openLibrary(root, await createLibrary(root));
  });

  it('writes 64 MiB without holding them', async () => {
    setFlagsFromString('--expose-gc');
    const collect = runInNewContext('gc') as () => void;
    const held = () => {
      // What is garbage is not held.
      collect();
      return process.memoryUsage().arrayBuffers;
    };
    const before = held();
    let most = 0;
    async function* large() {
      for (let i = 0; i < 1024; i += 1) {
        if (i % 64 === 63) most = Math.max(most, held() - before);
        yield Buffer.alloc(64 * 1024, 'x');
      }
    }
    const { sizeBytes } = await library.write('staging/large', large(), never);
    expect(sizeBytes).toBe(64 * 1024 * 1024);
    expect(most).toBeLessThan(32 * 1024 * 1024);
  });

  it('closes a file whose hash is called off before it began', async () => {
    await library.write('staging/a', one('whole'), never);
    const opened: Readable[] = [];
    class Watched extends FileLibrary {
      override async read(path: string): Promise<Readable> {
        const file = await super.read(path);
        opened.push(file);
        return file;
      }
    }
    const watched = new Watched(library.root, library.id);
    const off = new Error('called off');
    await expect(watched.hash('staging/a', AbortSignal.abort(off))).rejects.toBe(off);
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true]);
  });

  it('links rather than copies', async () => {
    await library.write('staging/a', one('x'), never);
    await library.link('staging/a', 'episodes/a');
    expect((await stat(join(root, 'episodes/a'))).ino).toBe(
      (await stat(join(root, 'staging/a'))).ino,
    );
    await link(join(root, 'staging/a'), join(root, 'other'));
    expect((await stat(join(root, 'other'))).nlink).toBe(3);
  });

  it('leaves no empty folders where staging was swept', async () => {
    await library.write('staging/c/j/1/a', one('x'), never);
    await library.write('staging/c/k/1/a', one('x'), never);
    await library.removeStaging('staging/c/j/1');
    expect(await readdir(join(root, 'staging/c'))).toEqual(['k']);
    await library.removeStaging('staging/c/k/1');
    expect(await readdir(join(root, 'staging'))).toEqual([]);
  });

  it('lets the sweeper see and remove what a crash left unfinished', async () => {
    await mkdir(join(root, 'staging/c/j/1'), { recursive: true });
    await writeFile(join(root, 'staging/c/j/1/.part-0123'), 'half');
    expect(await library.list('staging', 10)).toMatchObject([{ path: 'staging/c/j/1/.part-0123' }]);
    await library.removeStaging('staging/c/j/1');
    expect(await library.list('staging', 10)).toEqual([]);
  });

  it.skipIf(process.getuid?.() !== 0)(
    'copies where links and renames cannot go (needs root to mount a file system)',
    async () => {
      const mount = join(root, 'staging/temporary');
      await library.write('staging/a', one('whole'), never);
      await mkdir(mount, { recursive: true });
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'podctl-test', mount]);
      try {
        await library.link('staging/a', 'episodes/x/a');
        await library.link('staging/a', 'episodes/x/a');
        await library.write('episodes/x/b', one('too'), never);
        expect(await readFile(join(root, 'episodes/x/a'), 'utf8')).toBe('whole');
        expect(await readFile(join(root, 'episodes/x/b'), 'utf8')).toBe('too');
        expect(await readdir(join(root, 'episodes/x'))).toEqual(['a', 'b']);
        expect(await readdir(mount)).toEqual([]);
      } finally {
        execFileSync('umount', [mount]);
      }
    },
  );
});
