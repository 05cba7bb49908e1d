import { cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openOrCreateLibrary } from './library-folder.ts';

let folder: string;
let root: string;
let stateDir: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-library-folder-'));
  root = join(folder, 'library');
  stateDir = join(folder, 'state', 'coordinator');
});
afterEach(() => rm(folder, { recursive: true, force: true }));
const open = () => openOrCreateLibrary(root, stateDir);

describe('the library of a coordinator', () => {
  it('is made the first time, and the same one is opened ever after', async () => {
    const { id } = await open();
    const again = await open();
    expect(again.id).toBe(id);
    expect(await again.check()).toEqual({ kind: 'online' });
  });

  it('is one, however many coordinators start at once', async () => {
    const states = Array.from({ length: 8 }, (_, i) => join(folder, `state-${i}`));
    const opened = await Promise.all(states.map((state) => openOrCreateLibrary(root, state)));
    expect(new Set(opened.map(({ id }) => id)).size).toBe(1);
  });

  it('is taken as it is where one lies already, and remembered', async () => {
    const { id } = await open();
    await rm(stateDir, { recursive: true });
    expect((await open()).id).toBe(id);
    await rm(root, { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'offline' });
  });

  it('is away, and not made anew, when an empty folder stands in its place: its disk is not mounted', async () => {
    await open();
    await rename(root, `${root}.unmounted`);
    await mkdir(root);
    await expect(open()).rejects.toMatchObject({
      code: 'offline',
      message: expect.stringContaining('is its disk mounted?'),
    });
    expect(await readdir(root)).toEqual([]);
    await rm(root, { recursive: true });
    await rename(`${root}.unmounted`, root);
    expect(await (await open()).check()).toEqual({ kind: 'online' });
  });

  it('is not another one that is found in its place', async () => {
    const { id } = await open();
    await cp(root, `${root}.mine`, { recursive: true });
    await rm(root, { recursive: true });
    const other = await openOrCreateLibrary(root, join(folder, 'other'));
    expect(other.id).not.toBe(id);
    await expect(open()).rejects.toMatchObject({
      code: 'offline',
      message: expect.stringContaining(`expected ${id}`),
    });
  });

  it('is not made among the files of somebody else', async () => {
    await mkdir(join(root, 'photos'), { recursive: true });
    await expect(open()).rejects.toMatchObject({ code: 'refused' });
    expect(await readdir(root)).toEqual(['photos']);
    await rm(join(root, 'photos'), { recursive: true });
    // Nothing was remembered of the failed try.
    expect(await (await open()).check()).toEqual({ kind: 'online' });
  });

  it('is not made anew when nobody can read whether one was made before', async () => {
    await mkdir(join(stateDir, 'library-id'), { recursive: true });
    await mkdir(root);
    await expect(open()).rejects.toThrow();
    expect(await readdir(root)).toEqual([]);
  });
});
