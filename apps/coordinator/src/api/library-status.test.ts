import { LibraryKind } from '@podctl/proto/podctl/v1/library.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LeaderWorld } from '../../../../test/support/leader-world.ts';
import { libraryStatus, verificationOf } from './library-status.ts';

let world: LeaderWorld;
beforeEach(async () => {
  world = await LeaderWorld.start();
});
afterEach(() => world.stop());

const { signal } = new AbortController();
type Picture = ReturnType<Parameters<typeof libraryStatus>[0]['picture']>;

/** As the coordinator is one: its methods need it. */
class ShownFleet {
  readonly library = world.library;
  readonly #snapshot = world.replica.snapshot;
  picture(): Picture {
    return { snapshot: this.#snapshot } as Picture;
  }
}

function status(last?: ReturnType<typeof verificationOf>) {
  return libraryStatus(new ShownFleet(), world.clock, last, signal);
}

test('the state of the library counts what is done by the ledger, and tells the room that is left', async () => {
  const episode = await world.episode();
  const token = await world.committed(episode, { 'audio.mp3': 'sound', 'metadata.json': '{}' });
  expect((await status()).results).toBe(0n);
  const step = { kind: 'publish', token } as const;
  await world.store.moveEpisode(world.feed, episode, 'download', () => step);
  const found = await status();
  expect(found).toMatchObject({
    ...{ kind: LibraryKind.FOLDER, place: 'memory:', libraryId: 'm'.repeat(16) },
    ...{ online: true, problem: '', results: 1n, files: 2n, bytes: 7n },
  });
  expect(found.freeBytes).toBeLessThan(found.sizeBytes ?? 0n);
  expect(found.lastVerification).toBeUndefined();
  for (const [stage, move] of [
    ['transcribe', { kind: 'skip', reason: 'nobody wants it' }],
    ['download', { kind: 'expire', token }],
  ] as const)
    await world.store.moveEpisode(world.feed, episode, stage, () => move);
  const removed = { results: 1n, files: 0n, bytes: 0n, audioRemoved: 1n };
  expect(await status()).toMatchObject(removed);
});

test('a library that is away says why, and no room; the last comparison is told all the same', async () => {
  world.library.offline = 'the disk is not mounted';
  const counts = { checked: 3, damaged: 1, unknown: 2 };
  const rest = { missing: 1, bytes: 9, requested: 0, repairRefused: '', ofRemovedFeeds: 0 };
  const found = await status(verificationOf({ ...counts, ...rest }, true, 5_000));
  expect(found).toMatchObject({ online: false, problem: 'the disk is not mounted' });
  expect(found.freeBytes).toBeUndefined();
  expect(found.lastVerification).toEqual({
    ...{ checked: 3n, damaged: 1n, unknown: 2n },
    ...{ quick: true, endedAt: new Date(5_000) },
  });
});
