import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A real S3 server with one empty bucket, on a folder of its own. */
export interface TestS3Server {
  readonly endpoint: string;
  readonly bucket: string;
  /** Of the owner of everything. */
  readonly owner: S3Credentials;
  /** Of a user who may do nothing. */
  readonly stranger: S3Credentials;
  /** `library.url` of a prefix in the bucket. */
  url(prefix: string): string;
  /** Stops it and removes its data. Safe twice. */
  stop(): Promise<void>;
}

export interface S3Credentials {
  readonly AWS_ACCESS_KEY_ID: string;
  readonly AWS_SECRET_ACCESS_KEY: string;
}

const OWNER = { AWS_ACCESS_KEY_ID: 'testowner', AWS_SECRET_ACCESS_KEY: 'planted-secret-of-owner' };
const STRANGER = { AWS_ACCESS_KEY_ID: 'stranger', AWS_SECRET_ACCESS_KEY: 'planted-of-stranger' };
const READY_WITHIN_MS = 15_000;
const TRIES = 3;
/** As nats-server's: a killed test run leaves no server behind. */
const TETHER = '"$@" </dev/null & p=$!; cat >/dev/null; kill "$p" 2>/dev/null; wait "$p"';

/** @param program `findS3Program` finds it. */
export async function startS3Server(program: string): Promise<TestS3Server> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-s3-'));
  const bucket = 'podcasts';
  await mkdir(join(folder, 'data', bucket), { recursive: true });
  await mkdir(join(folder, 'side'));
  await mkdir(join(folder, 'iam'));
  const access = STRANGER.AWS_ACCESS_KEY_ID;
  const stranger = { access, secret: STRANGER.AWS_SECRET_ACCESS_KEY, role: 'user' };
  const users = JSON.stringify({ accessAccounts: { [access]: stranger } });
  await writeFile(join(folder, 'iam', 'users.json'), users);
  // It cannot be asked for any free port, so somebody else may have taken the one that was free.
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    try {
      const stop = await spawnServer(program, folder, port);
      const endpoint = `http://127.0.0.1:${port}`;
      return {
        endpoint,
        bucket,
        owner: OWNER,
        stranger: STRANGER,
        url: (prefix) => `s3://${bucket}/${prefix}?endpoint=${endpoint}&region=us-east-1`,
        stop: async () => {
          await stop();
          await rm(folder, { recursive: true, force: true });
        },
      };
    } catch (error) {
      if (tries < TRIES) continue;
      await rm(folder, { recursive: true, force: true });
      throw error;
    }
  }
}

async function spawnServer(program: string, folder: string, port: number) {
  const place = ['--sidecar', join(folder, 'side'), join(folder, 'data')];
  const args = ['--keep-alive', '--iam-dir', join(folder, 'iam'), '-p', `127.0.0.1:${port}`];
  const shell = spawn('sh', ['-c', TETHER, 'sh', program, ...args, 'posix', ...place], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ROOT_ACCESS_KEY: OWNER.AWS_ACCESS_KEY_ID,
      ROOT_SECRET_KEY: OWNER.AWS_SECRET_ACCESS_KEY,
    },
  });
  const stop = async () => {
    shell.stdin.end();
    if (shell.exitCode === null && shell.signalCode === null) await once(shell, 'exit');
  };
  const said: string[] = [];
  const { promise: ready, resolve, reject } = Promise.withResolvers<void>();
  const late = setTimeout(() => reject(new Error('it is not ready in time')), READY_WITHIN_MS);
  shell.once('exit', () => reject(new Error(`it ended: ${said.join(' ')}`)));
  for (const stream of [shell.stdout, shell.stderr])
    createInterface(stream).on('line', (line) => {
      if (said.length < 50) said.push(line);
      if (line.includes(`127.0.0.1:${port}`)) resolve();
    });
  try {
    await ready;
    return stop;
  } catch (error) {
    await stop();
    throw new Error(`no S3 server could be started: ${String(error)}`);
  } finally {
    clearTimeout(late);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
