import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCa } from '@podctl/platform/authority/certificates.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EXIT } from './command-error.ts';
import { saveContext, setCurrentContext } from './context/context-store.ts';
import { type Asked, chooseEndpoint } from './endpoint.ts';

const TOKEN = `pu1.ada.${'a'.repeat(32)}`;
const OTHER_TOKEN = `pu1.bob.${'b'.repeat(32)}`;

let root: string;
let folder: string;
let caPem: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-endpoint-'));
  folder = join(root, 'config');
  ({ certPem: caPem } = await makeCa({ fromMs: Date.now(), toMs: Date.now() + 3_600_000 }));
  await writeFile(join(root, 'ca.crt'), caPem);
  await writeFile(join(root, 'ada.token'), `${TOKEN}\n`);
  await writeFile(join(root, 'bob.token'), OTHER_TOKEN);
  const tokenFile = join(root, 'ada.token');
  const home = { name: 'home', servers: ['home:7070'], caPem, tokenFile };
  await saveContext(home, { use: false }, folder);
  await saveContext(
    { name: 'lab', servers: ['lab:7070'], caPem: null, tokenFile: null },
    { use: false },
    folder,
  );
});
afterAll(() => rm(root, { recursive: true, force: true }));

beforeEach(async () => {
  await setCurrentContext('local', folder);
  await writeEndpoint({});
});

const writeEndpoint = (more: object) =>
  writeFile(
    join(root, 'endpoint.json'),
    JSON.stringify({ grpc: '127.0.0.1:7070', http: '', pid: 1, ...more }),
  );

function choose(asked: Partial<Asked>, env: NodeJS.ProcessEnv = {}) {
  return chooseEndpoint({ dataDir: root, isDataDirNamed: false, ...asked }, env, folder);
}

describe('which coordinators are meant', () => {
  const home = { addresses: ['home:7070'], token: TOKEN };
  const up = { addresses: ['127.0.0.1:7070'], ca: null, token: null };

  test('what runs here, where nothing was said', async () => {
    expect(await choose({})).toEqual({ ...up, origin: `from ${join(root, 'endpoint.json')}` });
  });

  test('the current context before what runs here, and the errors tell the way to that', async () => {
    await setCurrentContext('home', folder);
    expect(await choose({})).toEqual({
      ...{ ...home, ca: caPem },
      origin: 'from the current context home; what "podctl up" runs here is "-c local"',
      context: 'home',
    });
    expect(await choose({ context: 'local' })).toMatchObject(up);
  });

  test('a data folder that was named before the current context', async () => {
    await setCurrentContext('home', folder);
    expect(await choose({ isDataDirNamed: true })).toMatchObject(up);
  });

  test('the environment before the current context, flags before the environment', async () => {
    await setCurrentContext('home', folder);
    expect(await choose({}, { PODCTL_CONTEXT: 'lab' })).toMatchObject({ addresses: ['lab:7070'] });
    expect(await choose({ context: 'home' }, { PODCTL_CONTEXT: 'lab' })).toMatchObject(home);
    expect(await choose({}, { PODCTL_SERVER: 'c1:1' })).toEqual({
      ...{ addresses: ['c1:1'], origin: 'from PODCTL_SERVER', ca: null, token: null },
    });
    expect(await choose({ server: 'c2:1' }, { PODCTL_SERVER: 'c1:1' })).toMatchObject({
      ...{ addresses: ['c2:1'], origin: 'from --server' },
    });
    expect(await choose({ context: 'home' }, { PODCTL_SERVER: 'c1:1' })).toMatchObject(home);
    expect(await choose({}, { PODCTL_SERVER: '', PODCTL_CONTEXT: '' })).toMatchObject(home);
  });

  test('one coordinator of a fleet that a context names', async () => {
    expect(await choose({ context: 'home', server: 'c2:7070' })).toEqual({
      ...{ addresses: ['c2:7070'], ca: caPem, token: TOKEN },
      origin: 'from --context home and --server',
      context: 'home',
    });
  });

  test('with the CA and the token file that somebody named', async () => {
    const env = { PODCTL_TOKEN_FILE: join(root, 'bob.token') };
    const asked = { server: 'c2:7070', caFile: join(root, 'ca.crt') };
    expect(await choose(asked, env)).toEqual({
      ...{ addresses: ['c2:7070'], ca: caPem, token: OTHER_TOKEN },
      origin: 'from --server, with the token of PODCTL_TOKEN_FILE',
    });
    expect(await choose({ context: 'home' }, env)).toMatchObject({ token: OTHER_TOKEN });
  });

  test('what runs here with its CA and its token, where it has them', async () => {
    const keys = { ca: join(root, 'ca.crt'), tokenFile: join(root, 'ada.token') };
    await writeEndpoint({ grpc: '0.0.0.0:7070', ...keys });
    expect(await choose({})).toMatchObject({ ...up, ca: caPem, token: TOKEN });
    await writeEndpoint({ grpc: '[::]:7070', ...keys });
    expect(await choose({})).toMatchObject({ addresses: ['[::1]:7070'] });
  });
});

describe('refused in one sentence', () => {
  test('a token that would go over the network in the clear', async () => {
    const env = { PODCTL_TOKEN_FILE: join(root, 'ada.token') };
    const refused = choose({ server: 'c2:7070' }, env);
    await expect(refused).rejects.toMatchObject({
      exitCode: EXIT.usage,
      message: expect.stringContaining('--ca-file'),
    });
    await expect(refused).rejects.not.toThrow(TOKEN);
    expect(await choose({ server: '127.0.0.1:7070' }, env)).toMatchObject({ token: TOKEN });
  });

  test('a context that is not there', async () => {
    await expect(choose({ context: 'gone' })).rejects.toMatchObject({ exitCode: EXIT.notFound });
    await setCurrentContext('gone', folder);
    await expect(choose({})).rejects.toThrow('there is no context gone');
  });

  test('files that hold something else, without showing what', async () => {
    const env = { PODCTL_TOKEN_FILE: join(root, 'ca.crt') };
    await expect(choose({ server: 'c2:1' }, env)).rejects.toMatchObject({
      exitCode: EXIT.usage,
      message: expect.stringMatching(/^\S+ca\.crt holds something else than one whole token; .*$/),
    });
    await expect(choose({ caFile: join(root, 'ada.token') })).rejects.toThrow(
      /^\S+ada\.token holds no certificate in PEM form; .*$/,
    );
    await expect(choose({ caFile: join(root, 'none') })).rejects.toThrow('there is no file');
  });
});
