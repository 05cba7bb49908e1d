import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../command-error.ts';
import type { Context } from './context.ts';
import {
  configFolder,
  contextNames,
  currentContext,
  missingContext,
  readContext,
  removeContext,
  saveContext,
  saveToken,
  setCurrentContext,
} from './context-store.ts';

let folder: string;
const home: Context = { name: 'home', servers: ['c1:7070'], caPem: null, tokenFile: null };

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'podctl-contexts-')), 'podctl');
});
afterEach(() => rm(join(folder, '..'), { recursive: true, force: true }));

const modeOf = async (path: string) => ((await stat(join(folder, path))).mode & 0o777).toString(8);

test('contexts and tokens are readable by their user alone', async () => {
  const tokenFile = await saveToken('home', 'pu1.ada.secret', folder);
  await saveContext({ ...home, tokenFile }, { use: true }, folder);
  expect(await modeOf('contexts/home.json')).toBe('600');
  expect(await modeOf('contexts/home.token')).toBe('600');
  expect(await modeOf('contexts')).toBe('700');
  expect(await readContext('home', folder)).toEqual({ ...home, tokenFile });
});

test('a context becomes the current one when that is asked for, and not else', async () => {
  expect(await currentContext(folder)).toBeNull();
  await saveContext(home, { use: false }, folder);
  expect(await currentContext(folder)).toBeNull();
  await saveContext({ ...home, name: 'work' }, { use: true }, folder);
  expect(await currentContext(folder)).toBe('work');
  expect(await contextNames(folder)).toEqual(['home', 'work']);
  await setCurrentContext('local', folder);
  expect(await currentContext(folder)).toBeNull();
});

test('a removed context leaves nothing behind, and is not the current one', async () => {
  const tokenFile = await saveToken('home', 'pu1.ada.secret', folder);
  await saveContext({ ...home, tokenFile }, { use: true }, folder);
  await removeContext('home', folder);
  expect(await readdir(folder)).toEqual(['contexts']);
  expect(await readdir(join(folder, 'contexts'))).toEqual([]);
  expect(await currentContext(folder)).toBeNull();
});

test('a context that replaces another does not keep its token', async () => {
  const tokenFile = await saveToken('home', 'pu1.ada.secret', folder);
  await saveContext({ ...home, tokenFile }, { use: false }, folder);
  await saveContext(home, { use: false }, folder);
  expect(await readdir(join(folder, 'contexts'))).toEqual(['home.json']);
});

test('a file that is no context says how to mend it', async () => {
  await saveContext(home, { use: false }, folder);
  await writeFile(join(folder, 'contexts/home.json'), '{');
  await expect(readContext('home', folder)).rejects.toMatchObject({
    exitCode: EXIT.failed,
    message: expect.stringContaining('"podctl context add home --force"'),
  });
});

test('no name leads out of the folder', async () => {
  for (const name of ['../x', '/etc/passwd', '..'])
    await expect(readContext(name, folder)).rejects.toMatchObject({ exitCode: EXIT.usage });
});

test('the folder follows XDG_CONFIG_HOME', () => {
  expect(configFolder({ XDG_CONFIG_HOME: '/c' })).toBe('/c/podctl');
  expect(configFolder({ XDG_CONFIG_HOME: '' })).toMatch(/\/\.config\/podctl$/);
});

test('a context that is not there is told with the one that was meant', async () => {
  await saveContext(home, { use: false }, folder);
  const { message, exitCode } = await missingContext('hmoe', folder);
  expect([message, exitCode]).toEqual([expect.stringContaining('did you mean home?'), 3]);
  expect((await missingContext('elsewhere', folder)).message).not.toContain('mean');
});
