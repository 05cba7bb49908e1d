import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  ListMultipartUploadsCommand,
} from '@aws-sdk/client-s3';
import type { AgentId, SessionId } from '@podctl/domain/ids.ts';
import { acceptedFolder } from '@podctl/domain/library-path.ts';
import { encodeManifest, MANIFEST_NAME } from '@podctl/domain/manifest.ts';
import { parseS3Place } from '@podctl/platform/config/s3-place.ts';
import { openLibrary } from '@podctl/platform/library/file-library.ts';
import { FileTransfers } from '@podctl/platform/library/file-transfers.ts';
import { createLibrary } from '@podctl/platform/library/library-marker.ts';
import { S3Access } from '@podctl/platform/library/s3/s3-access.ts';
import { S3Direct } from '@podctl/platform/library/s3/s3-direct.ts';
import { openS3Library, type S3Library } from '@podctl/platform/library/s3/s3-library.ts';
import { createS3Library } from '@podctl/platform/library/s3/s3-marker.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findWay } from '../../apps/agent/src/shell/byte-way.ts';
import {
  CoordinatorDesk,
  inputByCoordinator,
  OwnDesk,
} from '../../apps/agent/src/shell/direct-desk.ts';
import { uploadDirect } from '../../apps/agent/src/shell/direct-upload.ts';
import { fetchInput } from '../../apps/agent/src/shell/input-fetch.ts';
import { SpooledStore } from '../../apps/agent/src/shell/spooled-store.ts';
import { LibraryCheck } from '../../apps/coordinator/src/shell/library-check.ts';
import { Publisher } from '../../apps/coordinator/src/shell/publisher.ts';
import { settle } from '../../apps/coordinator/src/shell/settle.ts';
import { Sweeper } from '../../apps/coordinator/src/shell/sweeper.ts';
import { ViewLinks } from '../../apps/coordinator/src/shell/view-links.ts';
import { get, patch } from '../support/byte-requests.ts';
import { ByteWorld, type Held, sha256Of } from '../support/byte-world.ts';
import { holdsCheckpoints } from '../support/checkpoint-conformance.ts';
import { FaultyFront } from '../support/faulty-front.ts';
import { CLUSTER } from '../support/hand-built-fleet.ts';
import { LeaderWorld } from '../support/leader-world.ts';
import { findS3Program } from '../support/s3-program.ts';
import { startS3Server, type TestS3Server } from '../support/s3-server.ts';
import { silentLog } from '../support/silent-log.ts';

const MIB = 1024 ** 2;
const SLOW_DOWN = '<Error><Code>SlowDown</Code><Message>less, please</Message></Error>';
const EXPIRED = '<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>';
const never = new AbortController().signal;

const program = await findS3Program((line) => console.warn(line));
if (program.kind === 'absent')
  console.warn(`SKIPPED: nothing of S3 is tested, since no S3 server is here (${program.why})`);

describe.skipIf(program.kind === 'absent')('a library in a bucket', () => {
  let server: TestS3Server;
  let front: FaultyFront;
  let access: S3Access;
  let library: S3Library;
  let count = 0;

  beforeAll(async () => {
    server = await startS3Server(program.kind === 'here' ? program.path : '');
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    Object.assign(process.env, server.owner);
    count += 1;
    front = await FaultyFront.start(server.endpoint);
    access = accessTo(`s3://${server.bucket}/f${count}?endpoint=${front.url}&region=us-east-1`);
    library = await openS3Library(access, await createS3Library(access));
  });
  afterEach(async () => {
    access.close();
    await front.stop();
  });

  const uploads = async () => {
    const Bucket = server.bucket;
    const Prefix = access.place.prefix;
    return (await access.client.send(new ListMultipartUploadsCommand({ Bucket, Prefix }))).Uploads;
  };

  describe('as a driver', () => {
    test('streams a large file in and copies it in parts, with what is recorded of it', async () => {
      const bytes = randomBytes(12 * MIB);
      const written = await library.write('staging/a/b', pieces(bytes), never);
      expect(written).toEqual({ sizeBytes: bytes.length, sha256: sha256Of(bytes) });
      expect(front.seen.filter((line) => line.includes('partNumber='))).toHaveLength(3);
      await library.link('staging/a/b', 'episodes/a/b');
      expect(front.seen.filter((line) => line.includes('partNumber='))).toHaveLength(6);
      expect(await library.hash('episodes/a/b', never)).toEqual(written);
      const small = await library.write('staging/a/c', pieces(Buffer.from('small')), never);
      await library.link('staging/a/c', 'episodes/a/c?+ #é');
      await library.link('episodes/a/c?+ #é', 'episodes/a/100%');
      expect(await library.recorded('episodes/a/100%')).toEqual(small);
    });

    test('leaves no parts of what was called off or broke, and gives back those of a crash', async () => {
      const stop = new AbortController();
      async function* endless() {
        for (;;) {
          yield randomBytes(MIB);
          if (front.seen.some((line) => line.includes('partNumber=1'))) stop.abort('enough');
        }
      }
      await expect(library.write('staging/a/b', endless(), stop.signal)).rejects.toBe('enough');
      expect(await uploads()).toBeUndefined();
      const of = access.at('staging/a/b');
      const nobody = async () => false;
      await access.client.send(new CreateMultipartUploadCommand(of));
      expect(await library.dropUnfinished(Date.now() - 60_000, nobody)).toBe(0);
      const held = async (path: string) => path === 'staging/a/b';
      expect(await library.dropUnfinished(Date.now() + 60_000, held)).toBe(0);
      const neighbor = access.at('backups/of-somebody-else');
      const { UploadId } = await access.client.send(new CreateMultipartUploadCommand(neighbor));
      expect(await library.dropUnfinished(Date.now() + 60_000, nobody)).toBe(1);
      await access.client.send(new AbortMultipartUploadCommand({ ...neighbor, UploadId }));
      expect(await uploads()).toBeUndefined();
    });

    test('goes on after a cut and after an answer that it is overloaded', async () => {
      const isPart = (line: string) => line.startsWith('PUT') && line.includes('partNumber=');
      front.spoil(isPart, { kind: 'answer', status: 503, body: SLOW_DOWN });
      front.spoil(isPart, { kind: 'cut', direction: 'up', bytes: MIB });
      const bytes = randomBytes(11 * MIB);
      const written = await library.write('staging/a/b', pieces(bytes), never);
      expect(front.faults).toEqual([]);
      expect(await library.hash('staging/a/b', never)).toEqual(written);
    });

    test('says in one sentence why nobody gets in, and no secret', async () => {
      const at = (url: string) => problemOf(accessTo(url));
      const url = server.url(`f${count}`);
      expect(await at(url.replace('s3://podcasts', 's3://elsewhere'))).toMatch(
        /^the bucket elsewhere of .* is not there: make it, or correct library.url$/,
      );
      expect(await at('s3://podcasts/x?endpoint=http://127.0.0.1:1&region=r')).toMatch(
        /^s3:\/\/podcasts\/x\/ at http:\/\/127.0.0.1:1 does not answer \(.*ECONNREFUSED/,
      );
      expect(await at(url.replace('us-east-1', 'eu-north-1'))).toMatch(
        /^the bucket podcasts is in another region.*region=$/,
      );
      await access.client.send(new DeleteObjectCommand(access.at('library.json')));
      expect(await at(url)).toMatch(/has no marker library.json: is library.url right\?$/);
      Object.assign(process.env, { ...server.owner, AWS_SECRET_ACCESS_KEY: 'planted-wrong' });
      expect(await at(url)).toMatch(/does not know the credentials .*\(SignatureDoesNotMatch\)/);
      Object.assign(process.env, server.stranger);
      expect(await at(url)).toMatch(/does not let these credentials do what is needed/);
    });
  });

  describe('for an agent without credentials', () => {
    let world: ByteWorld;
    let folder: string;
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'podctl-s3-agent-'));
      world = await ByteWorld.start({ bucket: { library, direct: new S3Direct(library) } });
    });
    afterEach(async () => {
      await world.stop();
      await rm(folder, { recursive: true });
    });

    const direct = (held: Held, file: Parameters<typeof uploadDirect>[3], name = 'audio.mp3') => {
      const client = world.client();
      const desk = new CoordinatorDesk(client);
      const moved = (_direction: 'in' | 'out', bytes: number) => {
        world.moved.out += bytes;
      };
      const ports = { client, desk, store: world.store, moved };
      return uploadDirect(ports, assignment(held), name, file, { signal: never });
    };

    test('takes a large file whole, past the coordinator, whatever breaks on the way', async () => {
      const held = world.hold('download');
      const file = await world.file(randomBytes(34 * MIB));
      const isPut = (line: string) => line.startsWith('PUT');
      front.spoil(isPut, { kind: 'cut', direction: 'up', bytes: 3 * MIB });
      front.spoil(isPut, { kind: 'answer', status: 503, body: SLOW_DOWN });
      front.spoil(isPut, { kind: 'answer', status: 403, body: EXPIRED });
      expect(await direct(held, file)).toBe('done');
      expect(front.faults).toEqual([]);
      const { sizeBytes, sha256 } = file;
      const path = world.staged(held.job, 'audio.mp3');
      expect(await library.recorded(path)).toEqual({ sizeBytes, sha256 });
      expect(await library.hash(path, never)).toEqual({ sizeBytes, sha256 });
      const page = await world.page();
      expect(page).not.toMatch(/podctl_transfer_bytes_total\{[^}]*\} [1-9]/);
      expect(page).toMatch(/podctl_transfer_urls_total\{[^}]*direction="in"[^}]*\} [1-9]/);
      // Again, as after a lost answer: nothing is sent.
      const sent = world.moved.out;
      expect(await direct(held, file)).toBe('done');
      expect(world.moved.out).toBe(sent);
    });

    test('goes on in another life with the parts that are missing', async () => {
      const held = world.hold('download');
      const file = await world.file(randomBytes(34 * MIB));
      const stop = new AbortController();
      const client = world.client();
      const desk = new CoordinatorDesk(client);
      const ports = { client, desk, store: world.store, moved: () => {} };
      const first = uploadDirect(ports, assignment(held), 'audio.mp3', file, {
        signal: stop.signal,
        onProgress: () => stop.abort('killed'),
      });
      await expect(first).rejects.toBe('killed');
      expect(await direct(held, file)).toBe('done');
      expect(world.moved.out).toBeLessThan(file.sizeBytes);
    });

    test('its job’s audio comes from the bucket, from where a cut left it', async () => {
      const audio = randomBytes(3 * MIB);
      const { sha256 } = await world.accept(audio);
      const held = world.hold('transcribe');
      const spool = await openLibrary(folder, await createLibrary(folder));
      const client = world.client();
      const open = inputByCoordinator(client, world.store);
      const isAudio = (line: string) => line.startsWith('GET') && line.includes('audio.mp3');
      front.spoil(isAudio, { kind: 'cut', direction: 'down', bytes: MIB });
      front.spoil(isAudio, { kind: 'answer', status: 503, body: SLOW_DOWN });
      const transfers = new FileTransfers(spool);
      const moved = (_direction: 'in' | 'out', bytes: number) => {
        world.moved.in += bytes;
      };
      const rest = { freeBytesMin: 0, makeRoom: async () => {}, moved };
      const path = `staging/input/${sha256}/audio.mp3`;
      const into = { path, sha256 };
      const ports = { client, open, spool, transfers, ...rest };
      expect(await fetchInput(ports, held, into, never)).toBe('done');
      expect(sha256Of(await readFile(join(folder, path)))).toBe(sha256);
      expect(front.faults).toEqual([]);
      expect(world.moved.in).toBeLessThan(1.5 * audio.length);
    });

    test('judges each URL as it judges bytes: ticket, lock, size, and the manifest last', async () => {
      const held = world.hold('download');
      const file = await world.file(Buffer.from('audio'));
      const other = { ...held, ticket: world.hold('transcribe', undefined, 2).ticket };
      expect(await direct(other, file)).toBe('refused');
      expect(await direct(held, { ...file, sizeBytes: 9e9 })).toBe('damaged');
      expect(await direct(held, file, MANIFEST_NAME)).toBe('done');
      const answer = await patch(world, held, 'audio.mp3', Buffer.from('x'), {});
      expect(answer.statusCode).toBe(405);
      world.release('download');
      expect(await direct(held, file)).toBe('gone');
      const found = await get(world, '/v1/library', null);
      expect(found.statusCode).toBe(200);
    });

    test.each(['a coordinator', 'its own credentials'])('does its jobs by %s', async (by) => {
      const spool = await openLibrary(folder, await createLibrary(folder));
      const own = by === 'a coordinator' ? null : new OwnDesk(library, new S3Direct(library));
      const limits = { freeBytesMin: 0, inputBytesMax: 0, moved: () => {} };
      const client = world.client({}, own === null ? [world.url] : []);
      const store = new SpooledStore({ spool, client, store: world.store, own, ...limits });
      expect(await store.problem('a'.repeat(16))).toMatch(/ the library /);
      expect(await store.problem(library.id)).toBeNull();
      const held = world.hold('download');
      const context = { signal: never, progress: () => {}, log: silentLog };
      const attempt = await store.begin(assignment(held), context);
      await attempt.write('audio.mp3', pieces(Buffer.from('audio')));
      const outcome = await attempt.finish('far' as AgentId, 1, {});
      expect(outcome.kind).toBe('finished');
      const staged = (await library.list('staging', 10)).map(({ path }) => path);
      expect(staged).toEqual(
        ['audio.mp3', MANIFEST_NAME].map((name) => world.staged(held.job, name)),
      );
      const { path: audioPath, sha256: audioSha256 } = await world.accept(randomBytes(99_000));
      const model = { audioSeconds: null, model: 'm', language: null };
      const work = { kind: 'transcribe', audioPath, audioSha256, ...model } as const;
      const transcribe = { ...assignment(world.hold('transcribe')), work };
      const input = await store.input(transcribe, work, never);
      if (!input.ok) throw new Error(JSON.stringify(input.error));
      expect(sha256Of(await readFile(input.value.path))).toBe(audioSha256);
      await holdsCheckpoints(async () =>
        store.checkpoints({ ...assignment(world.hold('transcribe')), work }),
      );
    });

    test('is told before it takes work when it cannot reach the bucket', async () => {
      const client = world.client();
      const way = () => findWay(client, world.store, library.id);
      expect(await way()).toEqual({ problem: null, isDirect: true });
      const isMarker = (line: string) => line.includes('library.json?X-Amz');
      front.spoil(isMarker, { kind: 'answer', status: 403, body: EXPIRED });
      expect((await way()).problem).toMatch(/answers with status 403: check this machine’s clock/);
      front.spoil(isMarker, { kind: 'cut', direction: 'down', bytes: 1 });
      expect((await way()).problem).toMatch(
        /^The library’s bucket at http:\/\/127.0.0.1:\d+ cannot be reached \(.*\): open the way/,
      );
    });
  });

  test('a result goes its whole way: judged, published, shown, verified, swept', async () => {
    const world = await LeaderWorld.start();
    const { replica, log, clock, feed, agent } = world;
    const store = world.store;
    const episode = await world.episode();
    const token = await world.assign(episode);
    const folder = world.staging(episode, token);
    const audio = randomBytes(5 * MIB);
    const files = [];
    for (const [name, bytes] of [
      ['audio.mp3', audio],
      ['metadata.json', Buffer.from('{}')],
    ] as const)
      files.push({ name, ...(await library.write(`${folder}/${name}`, pieces(bytes), never)) });
    const place = { cluster: CLUSTER, feed, episode, stage: 'download', run: 1, token } as const;
    const session = 3 as SessionId;
    const more = { agent, session, files, audioSeconds: 1, details: {} };
    const manifest = encodeManifest({ version: 1, ...place, ...more });
    await library.write(`${folder}/${MANIFEST_NAME}`, pieces(Buffer.from(manifest)), never);

    const deps = { ...world.settle, library };
    const name = { feed, episode, stage: 'download', token } as const;
    const judged = await settle(deps, name, () => {
      throw new Error('it is complete');
    });
    expect(judged.kind).toBe('moved');
    const views = new ViewLinks({ store, library });
    const done = Promise.withResolvers<void>();
    replica.listen({
      changed: () => {
        const state = replica.snapshot.feeds.get(feed)?.episodes.get(episode)?.state;
        if (state?.stages.download.done?.token === token) done.resolve();
      },
    });
    const publisher = new Publisher({ ...deps, replica, views, log });
    await publisher.start();
    await done.promise;
    await publisher.stop();
    const to = acceptedFolder(feed, episode, 'download', 1, token);
    expect((await library.list('episodes', 10)).map(({ path }) => path)).toEqual([
      `${to}/audio.mp3`,
      `${to}/${MANIFEST_NAME}`,
      `${to}/metadata.json`,
    ]);
    const shown = (await library.list('podcasts', 10)).map(({ path }) => path);
    expect(shown).toHaveLength(2);
    expect(shown[0]).toMatch(/\[\w{8}\]\.info\.json$/);
    // Five megabytes are not kept twice: a small file tells where they are.
    expect(shown[1]).toMatch(/\[\w{8}\]\.mp3\.where\.json$/);
    const pointer = await library.readSmall(shown[1] ?? '', 1_000);
    expect(JSON.parse(Buffer.from(pointer).toString())).toMatchObject({ file: `${to}/audio.mp3` });
    // Shown again, nothing is written.
    const writes = () => front.seen.filter((line) => line.startsWith('PUT')).length;
    const before = writes();
    await views.show(feed, episode, 'download');
    expect(writes()).toBe(before);

    const news = [];
    const snapshot = () => replica.snapshot;
    const options = { library, clock, snapshot, repeat: async () => 0 };
    const request = { quick: false, repair: false, force: false };
    for await (const one of new LibraryCheck(options, request, never).run()) news.push(one);
    expect(news.at(-1)).toMatchObject({ kind: 'summary', checked: 1, damaged: 0, unknown: 0 });

    const limits = { everyMs: 60_000, olderThanMs: -Date.now() - 60_000 };
    const swept = Promise.withResolvers<void>();
    const info = () => swept.resolve();
    const sweeper = new Sweeper({ clock, store, library, log: { ...log, info }, ...limits });
    await sweeper.start();
    await swept.promise;
    await sweeper.stop();
    expect(await library.list('staging', 10)).toEqual([]);
    expect((await library.hash(`${to}/audio.mp3`, never)).sha256).toBe(sha256Of(audio));
    world.stop();
  });
});

function accessTo(url: string): S3Access {
  const place = parseS3Place(url);
  if (place === null) throw new Error(`${url} is refused`);
  return new S3Access(place, { partBytes: 5 * MIB, copyBytes: 5 * MIB });
}

/** Why the library there cannot be opened. */
async function problemOf(access: S3Access): Promise<string> {
  const said = await openS3Library(access, null).then(
    () => 'it was opened',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  access.close();
  expect(said).not.toContain('planted');
  return said;
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 300_000) yield bytes.subarray(at, at + 300_000);
}

function assignment({ job, ticket }: Held): Parameters<typeof uploadDirect>[1] {
  const episode = { feedTitle: '', title: '', guid: null, publishedMs: null };
  const work = { kind: 'download', url: 'http://127.0.0.1/', episode } as const;
  return { cluster: CLUSTER, session: 7, job, work, ticket } as Parameters<typeof uploadDirect>[1];
}
