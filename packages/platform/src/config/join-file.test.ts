import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readJoinFile, renderJoinFile } from './join-file.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-join-file-'));
  path = join(folder, 'join.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const nats = { servers: ['nats://10.0.0.1:4222'], user: 'podctl', password: 'p"a: #ss' };
const read = async (text: string, mode = 0o600) => {
  await writeFile(path, text, { mode });
  await chmod(path, mode);
  return readJoinFile(path);
};

describe('a join file', () => {
  test('comes back as it was written', async () => {
    const coordinators = ['http://10.0.0.1:7421', 'http://[fd00::1]:7421'];
    const found = await read(renderJoinFile(nats, coordinators));
    expect(found).toEqual({ nats, coordinators, warning: null });
  });

  test('without coordinators stands for a mount of the library, without a user for an open server', async () => {
    const found = await read('nats: {servers: [nats://a:1]}');
    expect(found).toEqual({
      nats: { servers: ['nats://a:1'], user: null, password: null },
      coordinators: [],
      warning: null,
    });
  });

  test('that others may read is warned of, when there is a password in it', async () => {
    expect((await read(renderJoinFile(nats, ['http://a:1']), 0o644)).warning).toBe(
      `${path} holds a password, and others on this machine may read it: run "chmod 600 ${path}"`,
    );
    expect((await read('nats: {servers: [nats://a:1]}', 0o644)).warning).toBeNull();
  });

  test.each([
    ['', 'expected "nats:'],
    ['nats: {}', 'nats.servers: '],
    ['nats: {servers: []}', 'nats.servers: '],
    ['nats: {servers: [10.0.0.1]}', 'nats.servers.0: expected nats://host:port'],
    ['nats: {servers: ["nats://u:p@a:1"]}', 'nats.servers.0: expected nats://host:port'],
    ['nats: {servers: [nats://a:1], user: u}', 'nats.user and nats.password belong together'],
    ['nats: {servers: [nats://a:1], pasword: p}', 'nats has the unknown key "pasword"'],
    [
      'nats: {servers: [nats://a:1]}\ncoordinators: [a:1]',
      'coordinators.0: expected http://host:port',
    ],
    ['nats: {servers: [nats://a:1]}\ncoordinators: []', 'coordinators: '],
    ['nats: [\npassword: secret', 'is not YAML'],
    ['a: &a [1]\nb: [*a, *a, *a]', ''],
  ])('%j is refused in one sentence', async (text, says) => {
    const error: unknown = await read(text).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining(says) });
    expect(error).toMatchObject({ message: expect.stringContaining(path) });
    expect(String(error)).not.toMatch(/secret|\n/);
  });

  test('that is not there, or far too long, is said to be so', async () => {
    await expect(readJoinFile(join(folder, 'none'))).rejects.toThrow(
      'the join file cannot be read',
    );
    await expect(read('#'.repeat(70_000))).rejects.toThrow('it is no join file');
  });
});
