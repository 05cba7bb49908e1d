import type { Kv } from '@podctl/platform/kv.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { TailRecorder } from './tail-recorder.ts';
import { WORLDS, type World, type WorldClient } from './world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe.each(WORLDS)('the tail of a bucket on the $name', (kind) => {
  let world: World;
  let client: WorldClient;
  let kv: Kv;
  let bucket = '';
  let buckets = 0;
  const recorders: TailRecorder[] = [];

  beforeAll(async () => {
    world = await kind.make();
    client = await world.connect('tails');
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    buckets += 1;
    bucket = `tails${buckets}`;
    kv = await client.kv(bucket);
  });
  afterEach(async () => {
    for (const recorder of recorders.splice(0)) await recorder.tail.stop();
  });

  const start = async (of = kv) => {
    const recorder = await TailRecorder.start(of);
    recorders.push(recorder);
    return recorder;
  };

  test('gives the newest entry of each key in order of revision, then says it is current', async () => {
    for (const key of ['a', 'b', 'c', 'a']) await kv.put(key, bytes(key));
    await kv.remove('c', 3);
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    expect(recorder.shown()).toEqual(['b=b@2', 'a=a@4', 'c gone@5']);
    expect(recorder.currentAt).toEqual([3]);
    expect(recorder.tail.state()).toMatchObject({ phase: 'live', revision: 5, recreated: 0 });
  });

  test('says of an empty bucket that it is current', async () => {
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    expect(recorder.entries).toEqual([]);
    expect(recorder.tail.state()).toMatchObject({ phase: 'live', revision: 0 });
  });

  test('gives each write as it is made, deletions too, in order', async () => {
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    await kv.put('a', bytes('1'));
    await kv.put('b', bytes('2'));
    await kv.remove('a', 1);
    // What is written over before it was delivered is never delivered: a bucket keeps the newest only.
    await world.pass(recorder.untilRevision(3));
    await kv.put('a', bytes('4'));
    await world.pass(recorder.untilRevision(4));
    expect(recorder.shown()).toEqual(['a=1@1', 'b=2@2', 'a gone@3', 'a=4@4']);
    expect(recorder.currentAt).toEqual([0]);
  });

  test('loses and repeats nothing while thousands of keys load and are written', async () => {
    const names = Array.from({ length: 2_000 }, (_, n) => `key.${n}`);
    // 2 MB: more than the server sends before it wants to hear that it was taken in.
    const value = bytes('x'.repeat(1_000));
    for (let from = 0; from < names.length; from += 200) {
      await Promise.all(names.slice(from, from + 200).map((name) => kv.put(name, value)));
    }
    const recorder = await start();
    await Promise.all(names.slice(0, 500).map((name) => kv.put(name, bytes('again'))));
    await world.pass(recorder.untilRevision(2_500));
    const revisions = recorder.entries.map((entry) => entry.revision);
    expect(revisions).toEqual([...new Set(revisions)].sort((a, b) => a - b));
    expect(new Set(recorder.entries.map((entry) => entry.key)).size).toBe(2_000);
    expect(recorder.currentAt).toHaveLength(1);
  });

  test('goes on without a hole when its consumer is taken away behind its back', async () => {
    await kv.put('a', bytes('1'));
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    await world.blindTails(bucket);
    await kv.put('b', bytes('2'));
    await kv.put('a', bytes('3'));
    await world.pass(recorder.untilRevision(3));
    expect(recorder.shown()).toEqual(['a=1@1', 'b=2@2', 'a=3@3']);
    expect(recorder.tail.state()).toMatchObject({ phase: 'live', recreated: 1 });
    expect(recorder.currentAt).toEqual([1]);
    await kv.put('c', bytes('4'));
    await world.pass(recorder.untilRevision(4));
  });

  test('goes on without a hole, as keys and CAS do, when the server is restarted', async () => {
    await kv.put('a', bytes('1'));
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    await world.restart();
    const written = async () => {
      for (;;) {
        const outcome = await kv.cas('a', 1, bytes('2'));
        if (outcome.kind !== 'unknown') return outcome;
      }
    };
    const outcome = await world.pass(written());
    // Unknown writes may have landed: then the next one conflicts.
    expect(['written', 'conflict']).toContain(outcome.kind);
    await world.pass(recorder.untilRevision(2));
    expect(recorder.shown()).toEqual(['a=1@1', 'a=2@2']);
    expect(await kv.get('a')).toMatchObject({ kind: 'value', revision: 2 });
    expect(recorder.tail.state().phase).toBe('live');
  });

  test('is heard from though nothing is written', async () => {
    const recorder = await start();
    await world.pass(recorder.untilCurrent());
    const heardAtMs = recorder.tail.state().heardAtMs;
    const later = await world.connect(`witness${buckets}`);
    const other = await later.kv(`other${buckets}`);
    const witness = await start(other);
    await other.cas('a', 0, bytes('x'), { ttlMs: 1_000 });
    await world.pass(witness.untilRevision(2));
    expect(recorder.tail.state().heardAtMs).toBeGreaterThan(heardAtMs + 400);
  });

  test('gives nothing after it was stopped, and may be stopped twice', async () => {
    const recorder = await start();
    const witness = await start();
    await recorder.tail.stop();
    await recorder.tail.stop();
    await kv.put('a', bytes('1'));
    await world.pass(witness.untilRevision(1));
    expect(recorder.entries).toEqual([]);
    expect(recorder.tail.state().phase).toBe('stopped');
  });
});
