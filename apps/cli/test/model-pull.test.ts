import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runPodctl } from './run-podctl.ts';

const REPOSITORY = 'Systran/faster-whisper-tiny.en';
const COMMIT = 'c'.repeat(40);
const files: Readonly<Record<string, string>> = {
  'config.json': '{}',
  'model.bin': 'weights'.repeat(1_000),
  'tokenizer.json': '{"version": "1.0"}',
  'vocabulary.txt': 'a\nb\n',
};

let folder: string;
let hub: Server;
let asked: string[];
let broken: string | null;

/** As much of the model hub as its library asks for, over real HTTP. */
function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = (request.url ?? '').split('?')[0] ?? '';
  asked.push(`${request.method} ${path}`);
  if (path.startsWith(`/api/models/${REPOSITORY}/revision/`)) {
    const siblings = Object.keys(files).map((rfilename) => ({ rfilename }));
    return void response.end(JSON.stringify({ id: REPOSITORY, sha: COMMIT, siblings }));
  }
  if (path.startsWith(`/api/models/${REPOSITORY}/tree/`)) {
    const tree = Object.entries(files).map(([name, text]) => ({
      ...{ type: 'file', path: name, size: Buffer.byteLength(text) },
      oid: createHash('sha1').update(text).digest('hex'),
    }));
    return void response.end(JSON.stringify(tree));
  }
  const name = path.startsWith(`/${REPOSITORY}/resolve/`)
    ? path.slice(path.lastIndexOf('/') + 1)
    : '';
  const text = files[name];
  if (text === undefined) {
    response.writeHead(404, { 'X-Error-Code': 'RepoNotFound' });
    return void response.end();
  }
  if (name === broken && request.method === 'GET') {
    response.writeHead(500);
    return void response.end();
  }
  response.writeHead(200, {
    'X-Repo-Commit': COMMIT,
    ETag: `"${createHash('sha256').update(text).digest('hex')}"`,
    'Content-Length': Buffer.byteLength(text),
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-pull-'));
  asked = [];
  broken = null;
  hub = createServer(answer).listen(0, '127.0.0.1');
  await once(hub, 'listening');
});
afterEach(async () => {
  hub.closeAllConnections();
  hub.close();
  await rm(folder, { recursive: true, force: true });
});

function podctl(...args: string[]) {
  const { port } = hub.address() as AddressInfo;
  return runPodctl([...args, '--data-dir', join(folder, 'data')], {
    env: {
      HF_ENDPOINT: `http://127.0.0.1:${port}`,
      HF_HOME: join(folder, 'hf'),
      HF_HUB_DISABLE_XET: '1',
      PODCTL_PYTHON_ROOT: dirname(dirname(dirname(process.env.PODCTL_TEST_PYTHON ?? ''))),
    },
  });
}

test('a model is fetched by the engine’s library, checksummed, and goes on where it broke off', async () => {
  broken = 'model.bin';
  const failed = await podctl('model', 'pull', 'tiny.en');
  expect([failed.code, failed.stdout]).toEqual([5, '']);
  expect(failed.stderr).toMatch(
    /the model tiny\.en could not be fetched: .*500.*; run the same command/,
  );
  expect(await readdir(join(folder, 'data', 'models'))).toEqual(['.pulling-tiny.en']);

  broken = null;
  asked = [];
  const made = await podctl('model', 'pull', 'tiny.en');
  expect([made.code, made.stdout]).toEqual([0, '']);
  expect(made.stderr).toContain('Fetched the model tiny.en');
  // Those that had come were not fetched again.
  expect(asked.filter((line) => /^GET .*config\.json/.test(line))).toEqual([]);
  const models = join(folder, 'data', 'models');
  expect(await readdir(models)).toEqual(['tiny.en']);
  expect(await readFile(join(models, 'tiny.en', 'model.bin'), 'utf8')).toBe(files['model.bin']);
  const list = await podctl('model', 'list', '--verify', '--json');
  expect(JSON.parse(list.stdout).items).toContainEqual(
    expect.objectContaining({ name: 'tiny.en', origin: 'imported', state: 'intact' }),
  );
});

test('a model that is not there is exit 3, a name that cannot be one exit 2', async () => {
  const unknown = await podctl('model', 'pull', 'enormous');
  expect([unknown.code, unknown.stderr]).toEqual([3, expect.stringContaining('expected one of')]);
  const gone = await podctl('model', 'pull', 'somebody/nothing', '--name', 'nothing');
  expect(gone.code).toBe(3);
  expect((await podctl('model', 'pull', 'somebody/nothing')).code).toBe(2);
});
