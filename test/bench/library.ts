/**
 * `npm run bench:library [-- MB]`: one file of 2 GB into the library and out again, by each driver and by an agent, with the
 * most memory that it took above the idle process. Each way runs in a process of its own. Beside it: what cp and curl need.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { systemClock } from '@podctl/platform/clock.ts';
import { parseS3Place } from '@podctl/platform/config/s3-place.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { openS3 } from '@podctl/platform/library/s3/s3-open.ts';
import type { Library } from '@podctl/platform/library.ts';
import { Agent } from 'undici';
import { ByteClient } from '../../apps/agent/src/shell/byte-client.ts';
import { OwnDesk } from '../../apps/agent/src/shell/direct-desk.ts';
import { uploadDirect } from '../../apps/agent/src/shell/direct-upload.ts';
import { fetchInput } from '../../apps/agent/src/shell/input-fetch.ts';
import { StoreClient } from '../../apps/agent/src/shell/store-client.ts';
import { findS3Program } from '../support/s3-program.ts';
import { startS3Server } from '../support/s3-server.ts';

const MB = 1_000_000;
const CHUNK_BYTES = 1_000_000;
const LIMIT_MB = 150;
const never = new AbortController().signal;

interface Place {
  readonly folder: string;
  readonly bucket: string | null;
  readonly megabytes: number;
}

interface Measured {
  readonly seconds: number;
  /** Above what the process held before, garbage included. */
  readonly peakMb: number;
}

const AUDIO = 'staging/a/audio.mp3';

async function* noise(megabytes: number): AsyncGenerator<Uint8Array> {
  const chunk = randomBytes(CHUNK_BYTES);
  for (let i = 0; i < megabytes; i += 1) {
    chunk.writeUInt32LE(i);
    yield chunk;
  }
}

async function bucketAt(url: string) {
  const place = parseS3Place(url);
  if (place === null) throw new Error('the URL is refused');
  const bucket = openS3(place);
  const library = await bucket.open(null).catch(async () => bucket.open(await bucket.make()));
  return { library, direct: bucket.directTo(library) };
}

async function folderAt(folder: string) {
  const root = join(folder, 'library');
  return openLibrary(root, null).catch(async () => openLibrary(root, await createLibrary(root)));
}

async function readAll(library: Library): Promise<void> {
  let bytes = 0;
  for await (const chunk of await library.read(AUDIO)) bytes += (chunk as Buffer).length;
  if (bytes === 0) throw new Error('nothing was read');
}

async function agentParts({ folder, bucket }: Place) {
  const { library, direct } = await bucketAt(bucket ?? '');
  const moved = () => undefined;
  const dispatcher = new Agent();
  const ports = { coordinators: [], dispatcher, clock: systemClock, random: Math.random, moved };
  const spool = await folderAt(folder);
  const desk = new OwnDesk(library, direct);
  return { library, desk, spool, client: new ByteClient(ports), store: new StoreClient(), moved };
}

const JOB = { feed: 'f', episode: 'e', stage: 'download', run: 1, token: 1 };
const ASSIGNED = { cluster: 'c', session: 1, job: JOB, work: null, ticket: '' };
const assignment = ASSIGNED as unknown as Parameters<typeof uploadDirect>[1];

const WAYS: { readonly [name: string]: (place: Place) => Promise<void> } = {
  'file: write': async (place) => {
    await (await folderAt(place.folder)).write(AUDIO, noise(place.megabytes), never);
  },
  'file: read': async (place) => readAll(await folderAt(place.folder)),
  's3: write': async (place) => {
    const { library } = await bucketAt(place.bucket ?? '');
    await library.write(AUDIO, noise(place.megabytes), never);
  },
  's3: read': async (place) => readAll((await bucketAt(place.bucket ?? '')).library),
  's3: copy (publish)': async (place) => {
    await (await bucketAt(place.bucket ?? '')).library.link(AUDIO, 'episodes/a/audio.mp3');
  },
  'agent sends to the bucket': async (place) => {
    const { spool, ...parts } = await agentParts(place);
    const { sha256 } = await spool.hash(AUDIO, never);
    const { size: sizeBytes } = await stat(join(spool.root, AUDIO));
    const file = { place: join(spool.root, AUDIO), sizeBytes, sha256 };
    const end = await uploadDirect(parts, assignment, 'audio.mp3', file, { signal: never });
    if (end !== 'done') throw new Error(end);
  },
  'agent fetches from the bucket': async (place) => {
    const { library, spool, desk, ...parts } = await agentParts(place);
    const { sha256 } = await spool.hash(AUDIO, never);
    const open = desk.input(parts.store, (await sentPath(library)) ?? '');
    const rest = { freeBytesMin: 0, makeRoom: async () => {} };
    const ports = { ...parts, ...rest, open, spool, transfers: new FileTransfers(spool) };
    const into = { path: 'staging/input/x/audio.mp3', sha256 };
    const of = assignment as unknown as Parameters<typeof fetchInput>[1];
    const end = await fetchInput(ports, of, into, never);
    if (end !== 'done') throw new Error(end);
  },
};

async function sentPath(library: Library): Promise<string | undefined> {
  const listed = await library.list('staging/c', 10);
  return listed[0]?.path;
}

async function measureHere(way: string, place: Place): Promise<void> {
  if (place.bucket !== null) await (await bucketAt(place.bucket)).library.check();
  const idleMb = process.memoryUsage.rss() / MB;
  const beganAt = performance.now();
  await WAYS[way]?.(place);
  const seconds = (performance.now() - beganAt) / 1_000;
  const peakMb = (process.resourceUsage().maxRSS * 1_024) / MB - idleMb;
  process.stdout.write(JSON.stringify({ seconds, peakMb } satisfies Measured));
  process.exit(0);
}

async function measure(way: string, place: Place): Promise<Measured> {
  const args = [...process.execArgv, import.meta.filename, '--way', way, JSON.stringify(place)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error(`${way} ended with ${code}`);
  return JSON.parse(text) as Measured;
}

function timed(command: string, args: readonly string[]): Measured {
  const beganAt = performance.now();
  const { status } = spawnSync(command, args, { stdio: 'ignore' });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
  return { seconds: (performance.now() - beganAt) / 1_000, peakMb: 0 };
}

async function main(megabytes: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-bench-library-'));
  const program = await findS3Program((line) => process.stderr.write(`${line}\n`));
  const server = program.kind === 'here' ? await startS3Server(program.path) : null;
  if (server === null) process.stderr.write('no S3 server is here: the bucket is left out\n');
  else Object.assign(process.env, server.owner);
  const place = { folder, bucket: server?.url('bench') ?? null, megabytes };
  const row = (what: string, { seconds, peakMb }: Measured) => {
    const speed = `${Math.round(megabytes / seconds)} MB/s`.padStart(10);
    const memory = peakMb === 0 ? '' : `+${Math.round(peakMb)} MB at most`;
    process.stdout.write(
      `${what.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s ${speed}  ${memory}\n`,
    );
  };
  let most = 0;
  try {
    process.stdout.write(`one file of ${megabytes} MB\n`);
    for (const way of Object.keys(WAYS)) {
      if (server === null && !way.startsWith('file:')) continue;
      const measured = await measure(way, place);
      most = Math.max(most, measured.peakMb);
      row(way, measured);
    }
    const file = join(folder, 'library', AUDIO);
    await pipeline(noise(1), createWriteStream(join(folder, 'warm')));
    row(
      'cp and sha256sum',
      timed('sh', ['-c', `cp "$1" "$1.copy" && sync "$1.copy" && sha256sum "$1"`, 'sh', file]),
    );
    if (place.bucket !== null) {
      const { direct } = await bucketAt(place.bucket);
      const url = await direct.readUrl(AUDIO);
      row(
        'curl from the bucket to a file',
        timed('curl', ['-fsS', '-o', join(folder, 'curl'), url]),
      );
    }
  } finally {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }
  process.stdout.write(
    `most memory above an idle process: ${Math.round(most)} MB (limit ${LIMIT_MB} MB)\n`,
  );
  process.exit(most < LIMIT_MB ? 0 : 1);
}

const [, , first = '2000', way = '', place = ''] = process.argv;
if (first === '--way') await measureHere(way, JSON.parse(place) as Place);
else await main(Number(first));
