import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { checkpointName } from '@podctl/domain/checkpoint-name.ts';
import { agentId } from '@podctl/domain/ids.ts';
import type { Work } from '@podctl/domain/protocol.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { FileLibrary } from '@podctl/platform/library/file-library.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { active } from '../../../../test/support/byte-requests.ts';
import { ByteWorld, type Held, newTicket, sha256Of } from '../../../../test/support/byte-world.ts';
import { holdsCheckpoints } from '../../../../test/support/checkpoint-conformance.ts';
import { CLUSTER } from '../../../../test/support/hand-built-fleet.ts';
import { silentLog } from '../../../../test/support/silent-log.ts';
import type { Assignment } from '../core/assignment.ts';
import { sessionOf } from '../core/machine-example.ts';
import { openSpool, SpooledStore } from './spooled-store.ts';

const named = agentId('far');
invariant(named.ok, 'an agent id');
const agent = named.value;
const never = new AbortController().signal;
const context = { signal: never, progress: () => undefined, log: silentLog };

let world: ByteWorld;
let spool: FileLibrary;
beforeEach(async () => {
  world = await ByteWorld.start();
  spool = await openSpool(world.folder);
});
afterEach(() => world.stop());

describe('an attempt without a mount of the library', () => {
  test('is in the library when it is finished, the manifest last, and its audio stays here for its transcription', async () => {
    const store = storeOf();
    const held = world.hold('download');
    const audio = randomBytes(300_000);
    await download(store, held, audio);
    const staged = (name: string) => world.staged(held.job, name);
    const there = await world.library.list('staging', 10);
    expect(there.map(({ path }) => path)).toEqual(
      ['audio.mp3', 'manifest.json', 'metadata.json'].map(staged),
    );
    const manifest = there.find(({ path }) => path === staged('manifest.json'));
    for (const file of there)
      expect(file.modifiedMs).toBeLessThanOrEqual(manifest?.modifiedMs ?? 0);
    const sha256 = sha256Of(audio);
    expect(await left()).toEqual([`staging/input/${sha256}/audio.mp3`]);

    await world.accept(audio);
    const transcribe = world.hold('transcribe');
    world.moved.in = 0;
    const input = await store.input(assignmentOf(transcribe, sha256), workOf(sha256), never);
    expect(input.ok && input.value.path).toBe(
      join(spool.root, `staging/input/${sha256}/audio.mp3`),
    );
    expect(world.moved.in).toBe(0);
  });

  test('is given what the publisher wrote of its audio, and nothing that is not it', async () => {
    const vtt = Buffer.from('WEBVTT');
    await world.accept(randomBytes(1_000), 1, vtt);
    const of = assignmentOf(world.hold('transcribe'), 'a'.repeat(64));
    const kept = { sizeBytes: vtt.length, sha256: sha256Of(vtt), url: null, language: null };
    const file = { ...kept, path: 'episodes/x/publisher.vtt' };
    expect(await storeOf().publisherFile(of, file, never)).toEqual(vtt);
    const other = { ...file, path: 'episodes/x/publisher.srt' };
    expect(await storeOf().publisherFile(of, other, never)).toBeNull();
    const changed = { ...file, sha256: 'b'.repeat(64) };
    expect(await storeOf().publisherFile(of, changed, never)).toBeNull();
  });

  test('whose lock was lost ends as finished, for the leader to judge, and leaves nothing here', async () => {
    const held = world.hold('download');
    world.release('download');
    expect(await download(storeOf(), held, randomBytes(1_000))).toMatchObject({ kind: 'finished' });
    expect(await world.library.list('staging', 10)).toEqual([]);
    expect(await left()).toEqual([]);
  });

  test('with a ticket that is not its lock’s is a failure', async () => {
    const held = { ...world.hold('download'), ticket: newTicket() };
    expect(await download(storeOf(), held, randomBytes(1_000))).toMatchObject({
      kind: 'failed',
      code: 'upload_refused',
    });
  });

  test('called off in mid-upload leaves nothing here', async () => {
    const held = world.hold('download');
    const stop = new AbortController();
    const halfway = world.proxy.holdsAt(1_000_000);
    const ended = download(storeOf(), held, randomBytes(5_000_000), stop.signal);
    const failed = expect(ended).rejects.toThrow('called off');
    await halfway;
    stop.abort(new Error('called off'));
    await failed;
    expect(await left()).toEqual([]);
    world.proxy.letGo();
    await active(world, 'in', 0);
  });

  test('left by an earlier life is cleared away, and audio is kept', async () => {
    const written = async (path: string) => {
      async function* text() {
        yield Buffer.from('x');
      }
      await spool.write(path, text(), never);
    };
    await written(`staging/${CLUSTER}/alpha.x.download/5/audio.mp3`);
    await written(`staging/input/${'a'.repeat(64)}/audio.mp3`);
    spool = await openSpool(world.folder);
    expect(await left()).toEqual([`staging/input/${'a'.repeat(64)}/audio.mp3`]);
  });
});

describe('checkpoints without a mount of the library', () => {
  test('go through a coordinator, for every attempt at the run', async () => {
    const store = storeOf();
    await holdsCheckpoints(async () => store.checkpoints(assignmentOf(world.hold('transcribe'))));
  });

  test('are neither read nor left by whoever has lost the lock, or has another ticket', async () => {
    const store = storeOf();
    const held = world.hold('transcribe');
    const key = '0a'.repeat(8);
    const mine = store.checkpoints(assignmentOf(held));
    const forged = store.checkpoints(assignmentOf({ ...held, ticket: newTicket() }));
    const name = checkpointName({ run: 1, key, milliseconds: 1 });
    for (const use of [() => forged.read(key, never), () => forged.write(name, CHUNK, never)])
      await expect(use()).rejects.toThrow('(refused)');
    world.release('transcribe');
    for (const use of [() => mine.read(key, never), () => mine.write(name, CHUNK, never)])
      await expect(use()).rejects.toThrow('(gone)');
    expect(await world.library.list('staging', 10)).toEqual([]);
  });
});

const CHUNK = Buffer.from('x');

describe('the input of a transcription', () => {
  test('is fetched once, and again when what lies here was damaged', async () => {
    const audio = randomBytes(200_000);
    const { sha256 } = await world.accept(audio);
    const held = world.hold('transcribe');
    const store = storeOf();
    const get = () => store.input(assignmentOf(held, sha256), workOf(sha256), never);
    expect((await get()).ok).toBe(true);
    expect((await get()).ok).toBe(true);
    expect(world.moved.in).toBe(audio.length);
    await writeFile(join(spool.root, `staging/input/${sha256}/audio.mp3`), 'rubbish');
    expect((await get()).ok).toBe(true);
    expect(world.moved.in).toBe(2 * audio.length);
  });

  test('goes when others need its room, the oldest first, and never while it is in use', async () => {
    const store = storeOf({ inputBytesMax: 2_500 });
    const kept: string[] = [];
    const inputs: Disposable[] = [];
    for (let n = 0; n < 3; n += 1) {
      const { sha256 } = await world.accept(randomBytes(1_000));
      const held = world.hold('transcribe');
      const input = await store.input(assignmentOf(held, sha256), workOf(sha256), never);
      invariant(input.ok, 'it is fetched');
      kept.push(`staging/input/${sha256}/audio.mp3`);
      // The first is still in use.
      if (n === 0) inputs.push(input.value);
      else input.value[Symbol.dispose]();
    }
    expect(await left()).toEqual([kept[0], kept[2]].sort());
    for (const input of inputs) input[Symbol.dispose]();
  });

  test('that does not fit this machine’s disk gives the job back', async () => {
    const { sha256 } = await world.accept(randomBytes(1_000));
    const held = world.hold('transcribe');
    const store = storeOf({ freeBytesMin: Number.MAX_SAFE_INTEGER });
    await expect(
      store.input(assignmentOf(held, sha256), workOf(sha256), never),
    ).rejects.toMatchObject({ code: 'full' });
  });
});

describe('no new work is taken', () => {
  test('while no coordinator is there, or it serves another library, or a disk is full', async () => {
    const { id } = world.library;
    expect(await storeOf().problem(id)).toBeNull();
    expect(await storeOf().problem(null)).toBeNull();
    expect(await storeOf({}, ['http://127.0.0.1:1', world.proxy.url]).problem(id)).toBeNull();
    expect(await storeOf({}, ['http://127.0.0.1:1']).problem(id)).toMatch(
      /^No coordinator takes bytes \(http:\/\/127\.0\.0\.1:1: connect ECONNREFUSED .*check coordinator\.bytes\.listen/,
    );
    expect(await storeOf().problem('a'.repeat(16))).toMatch(
      /serves the library .*, and the leader uses a+:/,
    );
    expect(await storeOf({ freeBytesMin: Number.MAX_SAFE_INTEGER }).problem(id)).toMatch(
      /^This machine’s disk has \d+ MB free/,
    );
    await rm(join(world.library.root, 'library.json'));
    expect(await storeOf().problem(id)).toContain('status 503');
  });
});

function storeOf(
  limits: { freeBytesMin?: number; inputBytesMax?: number } = {},
  addresses = [world.proxy.url],
): SpooledStore {
  return new SpooledStore({
    spool,
    client: world.client({}, addresses),
    store: world.store,
    own: null,
    freeBytesMin: 0,
    inputBytesMax: 1e9,
    moved: (direction, bytes) => {
      world.moved[direction] += bytes;
    },
    ...limits,
  });
}

async function download(store: SpooledStore, held: Held, audio: Buffer, signal = never) {
  await using attempt = await store.begin(assignmentOf(held), { ...context, signal });
  async function* source() {
    yield audio;
  }
  await attempt.write('audio.mp3', source());
  await attempt.writeText('metadata.json', '{}');
  return await attempt.finish(agent, 1, {});
}

function workOf(sha256: string) {
  const rest = { audioSeconds: null, model: 'm', language: null };
  return {
    kind: 'transcribe',
    audioPath: 'episodes/x/audio.mp3',
    audioSha256: sha256,
    ...rest,
  } as const;
}

function assignmentOf({ job, ticket }: Held, sha256 = ''): Assignment {
  const episode = { feedTitle: '', title: '', guid: null, publishedMs: null };
  const work: Work =
    sha256 === '' ? { kind: 'download', url: 'http://127.0.0.1/', episode } : workOf(sha256);
  return { cluster: CLUSTER, session: sessionOf(7), job, work, ticket };
}

async function left(): Promise<string[]> {
  return (await spool.list('staging', 100)).map(({ path }) => path);
}
