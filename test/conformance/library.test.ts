import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { parseS3Place } from '@podctl/platform/config/s3-place.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { S3Access } from '@podctl/platform/library/s3/s3-access.ts';
import { openS3Library } from '@podctl/platform/library/s3/s3-library.ts';
import { createS3Library } from '@podctl/platform/library/s3/s3-marker.ts';
import type { Library } from '@podctl/platform/library.ts';
import { MemoryLibrary } from '@podctl/platform/twin/memory-library.ts';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findS3Program } from '../support/s3-program.ts';
import { startS3Server, type TestS3Server } from '../support/s3-server.ts';

interface Bench {
  readonly library: Library;
  /** Takes the library away, as an unmounted disk does. */
  vanish(): Promise<void>;
  comeBack(): Promise<void>;
  end(): Promise<void>;
}

const MIB = 1024 * 1024;
const never = new AbortController().signal;
const encode = (text: string) => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function memoryBench(sizeBytes: number): Promise<Bench> {
  const library = new MemoryLibrary('abcdefghijklmnop', sizeBytes, () => 1_000);
  return {
    library,
    vanish: async () => {
      library.offline = 'taken away';
    },
    comeBack: async () => {
      library.offline = null;
    },
    end: async () => {},
  };
}

async function fileBench(folder: string): Promise<Bench> {
  const root = join(folder, 'library');
  const id = await createLibrary(root);
  const marker = join(root, 'library.json');
  return {
    library: await openLibrary(root, id),
    vanish: () => rename(marker, `${marker}.away`),
    comeBack: () => rename(`${marker}.away`, marker),
    end: () => rm(folder, { recursive: true }),
  };
}

const s3Program = await findS3Program((line) => console.warn(line));
if (s3Program.kind === 'absent')
  console.warn(
    `SKIPPED: the s3: driver is not tested, since no S3 server is here (${s3Program.why})`,
  );
let s3Server: Promise<TestS3Server> | null = null;
let s3Libraries = 0;
afterAll(async () => await (await s3Server)?.stop());

async function s3Bench(path: string): Promise<Bench> {
  s3Server ??= startS3Server(path);
  const server = await s3Server;
  Object.assign(process.env, server.owner);
  s3Libraries += 1;
  const place = parseS3Place(server.url(`l${s3Libraries}`));
  if (place === null) throw new Error('the URL of the test server is refused');
  const access = new S3Access(place, { partBytes: 5 * MIB, copyBytes: 5 * MIB });
  const id = await createS3Library(access);
  const library = await openS3Library(access, id);
  const marker = access.at('library.json');
  const text = await library.readSmall('library.json', MIB);
  return {
    library,
    vanish: async () => {
      await access.client.send(new DeleteObjectCommand(marker));
    },
    comeBack: async () => {
      await access.client.send(new PutObjectCommand({ ...marker, Body: text }));
    },
    end: async () => access.close(),
  };
}

const drivers: [string, () => Promise<Bench>][] = [
  ['memory', () => memoryBench(1024 * MIB)],
  ['file:', async () => fileBench(await mkdtemp(join(tmpdir(), 'podctl-library-')))],
];
if (s3Program.kind === 'here') drivers.push(['s3:', () => s3Bench(s3Program.path)]);

describe.each(drivers)('a library (%s)', (name, make) => {
  let bench: Bench;
  let library: Library;
  beforeEach(async () => {
    bench = await make();
    library = bench.library;
  });
  afterEach(() => bench.end());

  const put = (path: string, text: string) => library.write(path, source(encode(text)), never);
  const text = async (path: string) => decode(await library.readSmall(path, MIB));
  const paths = async (folder: string, limit = 100) =>
    (await library.list(folder, limit)).map((file) => file.path);

  it('removes single files of what is published, and nothing anywhere else', async () => {
    await put('episodes/a/b/download/r1-5/audio.mp3', 'one');
    await put('podcasts/A/x.mp3', 'one');
    await library.remove('episodes/a/b/download/r1-5/audio.mp3');
    await library.remove('episodes/a/b/download/r1-5/audio.mp3');
    await library.remove('podcasts/A/x.mp3');
    expect(await paths('episodes')).toEqual([]);
    expect(await paths('podcasts')).toEqual([]);
    for (const path of ['staging/a/b', 'library.json', 'episodes/a', '../x/y/z', 'other/a/b'])
      await expect(library.remove(path)).rejects.toMatchObject({ code: 'refused' });
    await bench.vanish();
    await expect(library.remove('podcasts/A/x.mp3')).rejects.toMatchObject({ code: 'offline' });
  });

  it('gives back what was written, in every way of asking', async () => {
    const bytes = randomBytes(300_000);
    const written = await library.write(
      'staging/a/b/audio.mp3',
      source(bytes.subarray(0, 100_000), new Uint8Array(0), bytes.subarray(100_000)),
      never,
    );
    expect(written).toEqual({ sizeBytes: 300_000, sha256: sha256(bytes) });
    expect(await library.stat('staging/a/b/audio.mp3')).toEqual({
      sizeBytes: 300_000,
      modifiedMs: expect.any(Number),
    });
    expect(sha256(await library.readSmall('staging/a/b/audio.mp3', 300_000))).toBe(written.sha256);
    expect(await library.hash('staging/a/b/audio.mp3', never)).toEqual(written);
    const chunks: Buffer[] = [];
    for await (const chunk of await library.read('staging/a/b/audio.mp3')) chunks.push(chunk);
    expect(sha256(Buffer.concat(chunks))).toBe(written.sha256);
  });

  it('says what is missing, in every way of asking', async () => {
    await put('staging/a', '');
    for (const path of ['staging/x/y', 'staging/a/below-a-file']) {
      expect(await library.stat(path)).toBeNull();
      const missing = { code: 'missing', message: expect.stringContaining(path) };
      await expect(library.readSmall(path, 10)).rejects.toMatchObject(missing);
      await expect(library.read(path)).rejects.toMatchObject(missing);
      await expect(library.hash(path, never)).rejects.toMatchObject(missing);
      await expect(library.link(path, 'episodes/x')).rejects.toMatchObject(missing);
    }
    expect(await paths('staging/nowhere')).toEqual([]);
  });

  it('reads a small file up to the limit and no further', async () => {
    await put('staging/a', '12345');
    expect(decode(await library.readSmall('staging/a', 5))).toBe('12345');
    await expect(library.readSmall('staging/a', 4)).rejects.toMatchObject({ code: 'too_large' });
  });

  it('shows a reader the old file or nothing until the new one is whole', async () => {
    const first = gate();
    const writing = library.write('staging/new', first.source, never);
    await first.reached;
    expect(await library.stat('staging/new')).toBeNull();
    await expect(library.read('staging/new')).rejects.toMatchObject({ code: 'missing' });
    expect(await paths('staging')).not.toContain('staging/new');
    first.open();
    await writing;
    expect(await text('staging/new')).toBe('begin-end');

    const second = gate();
    await put('staging/old', 'old');
    const rewriting = library.write('staging/old', second.source, never);
    await second.reached;
    expect(await text('staging/old')).toBe('old');
    const reader = await library.read('staging/old');
    second.open();
    await rewriting;
    expect(await text('staging/old')).toBe('begin-end');
    const chunks: Buffer[] = [];
    for await (const chunk of reader) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString()).toBe('old');
  });

  it('leaves nothing when a write is aborted, even when its source never answers', async () => {
    for (const path of ['staging/a/b', 'episodes/a/b']) {
      const stop = new AbortController();
      const reason = new Error('enough');
      const hanging = gate();
      const writing = library.write(path, hanging.source, stop.signal);
      await hanging.reached;
      stop.abort(reason);
      await expect(writing).rejects.toBe(reason);
      expect(await paths('staging')).toEqual([]);
      expect(await paths('episodes')).toEqual([]);
    }
    await expect(
      library.write('staging/a', source(encode('x')), AbortSignal.abort('before')),
    ).rejects.toBe('before');
  });

  it('leaves nothing when the source fails, and passes its error on', async () => {
    const broken = new Error('connection reset');
    async function* failing() {
      yield encode('begin');
      throw broken;
    }
    await expect(library.write('staging/a/b', failing(), never)).rejects.toBe(broken);
    expect(await paths('staging')).toEqual([]);
  });

  it('gives a file a second name, again and again, over whatever had it', async () => {
    await put('staging/a', 'one');
    await library.link('staging/a', 'episodes/x/a');
    await library.link('staging/a', 'episodes/x/a');
    expect(await text('episodes/x/a')).toBe('one');
    await put('staging/b', 'two');
    await library.link('staging/b', 'episodes/x/a');
    expect(await text('episodes/x/a')).toBe('two');
    await put('staging/b', 'three');
    expect(await text('episodes/x/a')).toBe('two');
    expect(await paths('staging')).toEqual(['staging/a', 'staging/b']);
    expect(await paths('episodes')).toEqual(['episodes/x/a']);
  });

  it('keeps the second name when the first is swept', async () => {
    await put('staging/c/j/1/a', 'one');
    await library.link('staging/c/j/1/a', 'episodes/x/a');
    await library.removeStaging('staging/c/j/1');
    expect(await library.stat('staging/c/j/1/a')).toBeNull();
    expect(await text('episodes/x/a')).toBe('one');
  });

  it('lists files of any depth in order of path, up to the limit', async () => {
    const all = ['staging/a-b', 'staging/a.b', 'staging/a/x', 'staging/a/y/z', 'staging/ab'];
    for (const path of [...all].reverse()) await put(path, path);
    await put('episodes/other', '');
    expect(await paths('staging')).toEqual(all);
    expect(await paths('staging', 3)).toEqual(all.slice(0, 3));
    expect(await paths('staging/a')).toEqual(['staging/a/x', 'staging/a/y/z']);
    expect(await library.list('staging/a', 1)).toEqual([
      { path: 'staging/a/x', sizeBytes: 11, modifiedMs: expect.any(Number) },
    ]);
  });

  it('lists on after any path, also one that is gone', async () => {
    const all = ['staging/a-b', 'staging/a.b', 'staging/a/x', 'staging/a/y/z', 'staging/ab'];
    for (const path of all) await put(path, path);
    const rest = async (after: string) =>
      (await library.list('staging', 100, after)).map(({ path }) => path);
    for (const [i, path] of all.entries()) expect(await rest(path)).toEqual(all.slice(i + 1));
    expect(await rest('staging/a/w')).toEqual(all.slice(2));
    expect(await rest('staging/a/y')).toEqual(all.slice(3));
    expect(await rest('staging/b')).toEqual([]);
  });

  it('removes folders without files, where there are folders, and no file', async () => {
    await put('episodes/a/b/c/d/x', 'gone');
    await put('episodes/a/e/x', 'kept');
    await library.remove('episodes/a/b/c/d/x');
    await library.removeEmptyFolders?.('episodes/a');
    expect(await paths('episodes')).toEqual(['episodes/a/e/x']);
    await library.removeEmptyFolders?.('episodes/nothing');
    for (const folder of ['episodes', 'staging/a', '../x/y'])
      if (library.removeEmptyFolders !== undefined)
        await expect(library.removeEmptyFolders(folder)).rejects.toMatchObject({ code: 'refused' });
    await bench.vanish();
    const offline = { code: 'offline' };
    if (library.removeEmptyFolders !== undefined)
      await expect(library.removeEmptyFolders('episodes/a')).rejects.toMatchObject(offline);
  });

  it('removes a folder of staging and nothing beside it', async () => {
    for (const path of ['staging/c/j/1/a', 'staging/c/j/1/b/c', 'staging/c/j/12/a', 'staging/d/a'])
      await put(path, '');
    await library.removeStaging('staging/c/j/1');
    await library.removeStaging('staging/c/j/1');
    expect(await paths('staging')).toEqual(['staging/c/j/12/a', 'staging/d/a']);
  });

  it.each(['staging', 'episodes/a', 'podcasts', 'staging/../episodes/a', '', '/', 'stagingx/a'])(
    'refuses to remove %j',
    async (folder) => {
      await put('episodes/a/b', 'kept');
      await expect(library.removeStaging(folder)).rejects.toMatchObject({ code: 'refused' });
      expect(await text('episodes/a/b')).toBe('kept');
    },
  );

  it.each(['', '/', '/etc/passwd', '..', 'a/../b', './a', 'a//b', 'a/', 'a\0b', 'x'.repeat(256)])(
    'refuses the path %j',
    async (path) => {
      const refused = { code: 'refused' };
      await put('staging/a', '');
      await expect(put(path, 'x')).rejects.toMatchObject(refused);
      await expect(library.stat(path)).rejects.toMatchObject(refused);
      await expect(library.read(path)).rejects.toMatchObject(refused);
      await expect(library.readSmall(path, 1)).rejects.toMatchObject(refused);
      await expect(library.hash(path, never)).rejects.toMatchObject(refused);
      await expect(library.link('staging/a', path)).rejects.toMatchObject(refused);
      await expect(library.list(path, 1)).rejects.toMatchObject(refused);
    },
  );

  it('that is not there is offline, and nothing of it is called missing or changed', async () => {
    await put('staging/a/b', 'kept');
    expect(await library.check()).toEqual({ kind: 'online' });
    await bench.vanish();
    expect(await library.check()).toEqual({ kind: 'offline', reason: expect.any(String) });
    const offline = { code: 'offline' };
    await expect(library.stat('staging/none')).rejects.toMatchObject(offline);
    await expect(library.read('staging/none')).rejects.toMatchObject(offline);
    await expect(library.readSmall('staging/none', 1)).rejects.toMatchObject(offline);
    await expect(library.list('staging', 1)).rejects.toMatchObject(offline);
    await expect(put('staging/c', 'x')).rejects.toMatchObject(offline);
    await expect(library.link('staging/a/b', 'episodes/c')).rejects.toMatchObject(offline);
    await expect(library.removeStaging('staging/a')).rejects.toMatchObject(offline);
    await expect(library.space()).rejects.toMatchObject(offline);
    await bench.comeBack();
    expect(await library.check()).toEqual({ kind: 'online' });
    expect(await paths('staging')).toEqual(['staging/a/b']);
  });

  it('tells how much room there is', async () => {
    const space = await library.space();
    // A bucket has no size.
    if (name === 's3:') return expect(space).toBeNull();
    expect(space?.freeBytes).toBeGreaterThan(0);
    expect(space?.sizeBytes).toBeGreaterThanOrEqual(space?.freeBytes ?? Number.NaN);
  });
});

const isRoot = process.getuid?.() === 0;
const small: [string, () => Promise<Bench>][] = [
  ['memory', () => memoryBench(MIB)],
  ['file:, a small file system; needs root to mount it', smallFileBench],
];

describe.each(small)('a full library (%s)', (name, make) => {
  it.skipIf(name !== 'memory' && !isRoot)('says so and leaves nothing of the file', async () => {
    const bench = await make();
    try {
      async function* endless() {
        for (;;) yield new Uint8Array(64 * 1024);
      }
      for (const path of ['staging/a/b', 'episodes/a/b'])
        await expect(bench.library.write(path, endless(), never)).rejects.toMatchObject({
          code: 'full',
          message: expect.stringContaining('no space is left'),
        });
      expect(await bench.library.list('staging', 10)).toEqual([]);
      expect(await bench.library.list('episodes', 10)).toEqual([]);
      const half = source(new Uint8Array(MIB / 2));
      expect(await bench.library.write('staging/c', half, never)).toMatchObject({
        sizeBytes: MIB / 2,
      });
    } finally {
      await bench.end();
    }
  });
});

async function smallFileBench(): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-library-'));
  await mkdir(join(folder, 'library'));
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'podctl-test', join(folder, 'library')]);
  const bench = await fileBench(folder);
  return {
    ...bench,
    end: async () => {
      execFileSync('umount', [join(folder, 'library')]);
      await bench.end();
    },
  };
}

async function* source(...chunks: Uint8Array[]) {
  yield* chunks;
}

/** A source that waits in the middle until it is opened. */
function gate() {
  const reached = Promise.withResolvers<void>();
  const opened = Promise.withResolvers<void>();
  async function* gated() {
    yield encode('begin');
    reached.resolve();
    await opened.promise;
    yield encode('-end');
  }
  return { source: gated(), reached: reached.promise, open: opened.resolve };
}
