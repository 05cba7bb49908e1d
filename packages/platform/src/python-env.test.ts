import { execFileSync } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ensurePythonEnv, type PythonEnvProgress } from './python-env.ts';

let root: string;
let requirements: string;
const never = new AbortController().signal;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'podctl-python-env-'));
  requirements = join(root, 'requirements.txt');
  // One small package of the real lock, with its hashes.
  const lock = new URL('../../../apps/agent/engines/requirements.txt', import.meta.url);
  const [one] = /^idna==(?:.*\\\n)+.*$/m.exec(await readFile(lock, 'utf8')) ?? [];
  await writeFile(requirements, `${one}\n`);
});
afterEach(() => rm(root, { recursive: true }));

function ensure(signal = never, onProgress: (progress: PythonEnvProgress) => void = () => {}) {
  return ensurePythonEnv({ root, requirementsPaths: [requirements], signal, onProgress });
}

it('an environment is made once by two that want it, used again, made anew when it was left incomplete, and not used for other requirements', async () => {
  const kinds: string[] = [];
  const note = ({ kind }: PythonEnvProgress) => void (kind === 'silent' || kinds.push(kind));
  const [one, two] = await Promise.all([ensure(never, note), ensure(never, note)]);
  expect(one.folder).toBe(two.folder);
  expect(kinds.toSorted()).toEqual(['creating', 'fetching', 'installing', 'ready', 'waiting']);
  expect(
    execFileSync(one.python, ['-c', 'import idna; print(idna.__version__)']).toString(),
  ).toMatch(/^3\./);
  await access(one.bin('pip'));

  kinds.length = 0;
  await ensure(never, note);
  expect(kinds).toEqual([]);

  await rm(join(one.folder, '.complete'));
  await writeFile(join(one.folder, 'junk'), '');
  await ensure(never, note);
  expect(kinds).toEqual(['creating', 'fetching', 'installing', 'ready']);
  expect(await readdir(one.folder)).not.toContain('junk');

  // Other requirements are another environment.
  await writeFile(requirements, '# nothing\n');
  const stop = new AbortController();
  const other = ensure(stop.signal, ({ kind }) => stop.abort(kind));
  await expect(other).rejects.toBe('creating');
}, 60_000);

it('an abort ends it, pip and all, within 5 s, and the next one begins anew', async () => {
  const stop = new AbortController();
  const reason = new Error('Ctrl-C');
  let abortedMs = 0;
  const making = ensure(stop.signal, (progress) => {
    if (progress.kind !== 'creating') return;
    abortedMs = performance.now();
    setImmediate(() => stop.abort(reason));
  });
  await expect(making).rejects.toBe(reason);
  expect(performance.now() - abortedMs).toBeLessThan(5_000);
  await expect(ensure(AbortSignal.abort(reason))).rejects.toBe(reason);
});

/** With these variables set; as it was before, afterwards. */
async function withEnvironment(set: NodeJS.ProcessEnv, run: () => Promise<void>): Promise<void> {
  const before = Object.keys(set).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, set);
  try {
    await run();
  } finally {
    for (const [name, value] of before)
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  }
}

it('a registry that cannot be reached is a sentence that says so', async () => {
  // Port 1 of loopback: refused at once.
  const set = { PIP_INDEX_URL: 'http://127.0.0.1:1/simple', PIP_CACHE_DIR: root };
  await withEnvironment(set, () =>
    expect(ensure()).rejects.toMatchObject({
      code: 'offline',
      message: expect.stringMatching(/^the Python packages could not be fetched: .*[^.\n]$/),
    }),
  );
}, 60_000);

it('a registry that takes requests and never answers is told of each second, and is a sentence after three tries', async () => {
  const registry = createServer(() => {});
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const { port } = registry.address() as AddressInfo;
  const set = { PIP_INDEX_URL: `http://127.0.0.1:${port}/simple`, PIP_CACHE_DIR: root };
  const silences: number[] = [];
  let lastAtMs = performance.now();
  let gapMsMax = 0;
  const beganAtMs = lastAtMs;
  const note = (progress: PythonEnvProgress) => {
    gapMsMax = Math.max(gapMsMax, performance.now() - lastAtMs);
    lastAtMs = performance.now();
    if (progress.kind === 'silent' && progress.at === 'asking') silences.push(progress.silentMs);
  };
  try {
    await withEnvironment({ ...set, PIP_FIND_LINKS: '' }, () =>
      expect(
        ensurePythonEnv({
          root,
          requirementsPaths: [requirements],
          signal: never,
          onProgress: note,
          registryTimeoutS: 2,
        }),
      ).rejects.toMatchObject({ code: 'offline' }),
    );
  } finally {
    registry.closeAllConnections();
    registry.close();
  }
  expect(performance.now() - beganAtMs).toBeLessThan(45_000);
  expect(gapMsMax).toBeLessThan(5_000);
  expect(silences).toContain(5_000);
}, 60_000);

it.skipIf(process.getuid?.() !== 0)(
  'a full disk is a sentence that says so (needs root to mount a small file system)',
  async () => {
    const small = join(root, 'small');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=10m', 'podctl-test', small]);
    try {
      const options = { root: small, requirementsPaths: [requirements], signal: never };
      await expect(ensurePythonEnv(options)).rejects.toMatchObject({
        code: 'full',
        message: expect.stringContaining(`the disk of ${small} is full`),
      });
    } finally {
      execFileSync('umount', [small]);
    }
  },
  60_000,
);

it.skipIf(process.getuid?.() !== 0)(
  'a TMPDIR without room stops nothing: packages are unpacked where they are installed (needs root to mount)',
  async () => {
    const small = join(root, 'small');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'podctl-test', small]);
    try {
      await withEnvironment({ TMPDIR: small }, async () => {
        await access((await ensure()).python);
      });
      expect(await readdir(root)).not.toContain('python-tmp');
    } finally {
      execFileSync('umount', [small]);
    }
  },
  60_000,
);
