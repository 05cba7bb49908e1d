import { chown, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { RunProgram } from '../install/ports.ts';
import { invokingUser } from './invoking-user.ts';

const says =
  (stdout: string): RunProgram =>
  async () => ({ kind: 'ended', code: 0, stdout, stderr: '' });

test('without sudo it is the user of this process', async () => {
  const user = await invokingUser(says('ada:x:1:1::/home/ada:/bin/sh'), { XDG_CONFIG_HOME: '/c' });
  expect(user).toMatchObject({ name: 'you', configFolder: '/c/podctl' });
});

test('behind sudo it is who asked; and what is odd about that user leaves it to root', async () => {
  const env = { SUDO_USER: 'ada', XDG_CONFIG_HOME: '/c' };
  const [name, configFolder] =
    process.getuid?.() === 0 ? ['ada', '/home/ada/.config/podctl'] : ['you', '/c/podctl'];
  expect(await invokingUser(says('ada:x:1:1::/home/ada:/bin/sh\n'), env)).toMatchObject({
    name,
    configFolder,
  });
  for (const odd of ['', 'ada:x:::', 'ada:x:1:1::relative:/bin/sh', 'ada:x:-1:1::/home/ada:'])
    expect((await invokingUser(says(odd), env)).name).toBe('you');
});

test.skipIf(process.getuid?.() !== 0)(
  'what is written for that user is theirs, also after a failure, and is not written as root',
  async () => {
    const home = await mkdtemp(join(tmpdir(), 'podctl-home-'));
    await chown(home, 12_345, 12_345);
    const user = await invokingUser(says(`ada:x:12345:12345::${home}:/bin/sh`), {
      SUDO_USER: 'ada',
    });
    await user.as(() => writeFile(join(home, 'made'), ''));
    expect(await stat(join(home, 'made'))).toMatchObject({ uid: 12_345, gid: 12_345 });
    const ofRoot = await mkdtemp(join(tmpdir(), 'podctl-root-'));
    await expect(user.as(() => writeFile(join(ofRoot, 'made'), ''))).rejects.toThrow('EACCES');
    expect([process.geteuid?.(), process.getegid?.()]).toEqual([0, 0]);
    await rm(home, { recursive: true });
    await rm(ofRoot, { recursive: true });
  },
);
