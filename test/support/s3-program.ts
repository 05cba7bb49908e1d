import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const CACHE =
  process.env.PODCTL_PYTHON_ROOT ?? fileURLToPath(new URL('../../.podctl', import.meta.url));
const VERSION = 'v1.8.0';
const MODULE = `github.com/versity/versitygw/cmd/versitygw@${VERSION}`;
/** Two minutes on two busy cores. */
const BUILD_MS_MAX = 480_000;

export type S3Program =
  | { readonly kind: 'here'; readonly path: string }
  | { readonly kind: 'absent'; readonly why: string };

/** Where the tests keep the server that they built. */
const KEPT = join(CACHE, `versitygw-${VERSION}`);

/**
 * A real S3 server for the tests: the one that PODCTL_TEST_S3_SERVER names, the one that was built before, or one built now
 * with Go from its module proxy, once.
 */
export async function findS3Program(tell: (line: string) => void): Promise<S3Program> {
  const named = process.env.PODCTL_TEST_S3_SERVER;
  if (named !== undefined && named !== '') return { kind: 'here', path: named };
  try {
    await access(KEPT);
  } catch {
    try {
      tell(`building an S3 server for the tests (versitygw ${VERSION}, about two minutes, once)`);
      await build();
    } catch (error) {
      const why = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
      return { kind: 'absent', why };
    }
  }
  return { kind: 'here', path: KEPT };
}

async function build(): Promise<void> {
  await run('go', ['version']).catch(() => {
    throw new Error('Go is not on this machine');
  });
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, 'versitygw-build-'));
  try {
    // With the flags of every other build: what the machine has built before is not built again.
    const env = { ...process.env, GOBIN: folder, GOFLAGS: '' };
    // Two test files may want it at once: the second finds nearly all of it built.
    const build = ['go', 'install', '-ldflags=-s -w', MODULE];
    await run('flock', [`${KEPT}.lock`, ...build], { env, timeout: BUILD_MS_MAX });
    await rename(join(folder, 'versitygw'), KEPT);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

// `npm run test:s3-server`: before the tests, so that they do not wait for it.
if (import.meta.main) {
  const found = await findS3Program((line) => process.stderr.write(`${line}\n`));
  if (found.kind === 'here') process.stdout.write(`${found.path}\n`);
  else process.stderr.write(`no S3 server for the tests: ${found.why}; they are skipped\n`);
}
