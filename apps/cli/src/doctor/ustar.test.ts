import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { ustar } from './ustar.ts';

it("an archive is what the system's tar reads, with files for their owner alone", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-ustar-'));
  try {
    const files = ['', 'x', 'y'.repeat(512), 'z'.repeat(1_000)].map((text, i) => ({
      name: `logs/${i}.log`,
      data: Buffer.from(text),
    }));
    const path = join(folder, 'a.tar.gz');
    await writeFile(path, gzipSync(ustar(files, 1_750_000_000_000)));
    await promisify(execFile)('tar', ['-xzf', path, '-C', folder]);
    for (const { name, data } of files) expect(await readFile(join(folder, name))).toEqual(data);
    const { mode, mtimeMs } = await stat(join(folder, 'logs/1.log'));
    expect([mode & 0o777, mtimeMs]).toEqual([0o600, 1_750_000_000_000]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a name that does not fit is refused', () => {
  expect(() => ustar([{ name: 'é'.repeat(60), data: Buffer.alloc(0) }], 0)).toThrow(
    'broken invariant',
  );
});
