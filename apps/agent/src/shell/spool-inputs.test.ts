import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileLibrary, openLibrary } from '@podctl/platform/library/file-library.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SpoolInputs } from './spool-inputs.ts';

const never = new AbortController().signal;
const SHA256 = 'a'.repeat(64);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-inputs-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('who begins to use audio while it is evicted finds it gone as a whole, and keeps what it fetches', async () => {
  /** Another job begins between the look and the removal. */
  class Disturbed extends FileLibrary {
    meanwhile = async () => {};
    override async removeStaging(path: string) {
      await this.meanwhile();
      await super.removeStaging(path);
    }
  }
  await createLibrary(join(folder, 'spool'));
  const { root, id } = await openLibrary(join(folder, 'spool'), null);
  const spool = new Disturbed(root, id);
  const inputs = new SpoolInputs(spool, 1e9);
  const path = inputs.pathOf(SHA256, 'audio.mp3');
  const write = async (text: string) => {
    async function* source() {
      yield Buffer.from(text);
    }
    await spool.write(path, source(), never);
  };
  await write('old');
  const uses: Disposable[] = [];
  let found: unknown = 'not looked at';
  spool.meanwhile = async () => {
    uses.push(inputs.use(SHA256));
    found = await spool.stat(path);
    await write('new');
  };
  await inputs.evict(0);
  expect(found).toBeNull();
  expect(Buffer.from(await spool.readSmall(path, 10)).toString()).toBe('new');
  await inputs.evict(0);
  expect(uses).toHaveLength(1);
  expect((await spool.list('staging', 10)).map((file) => file.path)).toEqual([path]);
});
