import type { CasOptions, CasOutcome, Kv } from '@podctl/platform/kv.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { shown, TailRecorder } from './tail-recorder.ts';
import { WORLDS, type World, type WorldClient } from './world.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe.each(WORLDS)('keys with revisions on the $name', (kind) => {
  let world: World;
  let client: WorldClient;
  let kv: Kv;
  let buckets = 0;

  beforeAll(async () => {
    world = await kind.make();
    client = await world.connect('keys');
  });
  afterAll(() => world.stop());
  beforeEach(async () => {
    buckets += 1;
    kv = await client.kv(`keys${buckets}`);
  });

  const read = async (key: string) => {
    const entry = await kv.get(key);
    return entry === null ? null : shown(entry);
  };
  const cas = (key: string, expected: number, value: string, options?: CasOptions) =>
    kv.cas(key, expected, bytes(value), options);
  const revisionOf = (outcome: CasOutcome) => {
    if (outcome.kind !== 'written') throw new Error(`not written: ${outcome.kind}`);
    return outcome.revision;
  };

  test('a key that was never written reads as null', async () => {
    expect(await read('a.b')).toBeNull();
  });

  test('a create expects 0 and is read back with its revision', async () => {
    expect(await cas('a.b', 0, 'one')).toEqual({ kind: 'written', revision: 1 });
    expect(await read('a.b')).toBe('a.b=one@1');
  });

  test('every write to the bucket raises one counter', async () => {
    await cas('a', 0, 'one');
    expect(await cas('b', 0, 'two')).toEqual({ kind: 'written', revision: 2 });
    expect(await kv.put('a', bytes('three'))).toBe(3);
    expect(await read('b')).toBe('b=two@2');
  });

  test('a write at any revision but the newest is a conflict and changes nothing', async () => {
    await cas('a', 0, 'one');
    await cas('a', 1, 'two');
    for (const expected of [0, 1, 3, 99]) {
      expect(await cas('a', expected, 'no')).toEqual({ kind: 'conflict' });
      expect(await kv.remove('a', expected)).toEqual({ kind: 'conflict' });
    }
    expect(await read('a')).toBe('a=two@2');
  });

  test('of many rivals at one revision exactly one wins', async () => {
    const rivals = Array.from({ length: 20 }, (_, n) => cas('a', 0, `rival ${n}`));
    const kinds = (await Promise.all(rivals)).map((outcome) => outcome.kind);
    expect(kinds.filter((each) => each === 'written')).toHaveLength(1);
    expect(kinds.filter((each) => each === 'conflict')).toHaveLength(19);
  });

  test('a removed key is a marker whose revision the next create must expect', async () => {
    await cas('a', 0, 'one');
    expect(await kv.remove('a', 1)).toEqual({ kind: 'written', revision: 2 });
    expect(await read('a')).toBe('a gone@2');
    expect(await cas('a', 0, 'no')).toEqual({ kind: 'conflict' });
    expect(await cas('a', 1, 'no')).toEqual({ kind: 'conflict' });
    expect(await cas('a', 2, 'again')).toEqual({ kind: 'written', revision: 3 });
  });

  test('an empty value is a value', async () => {
    await cas('a', 0, '');
    expect(await read('a')).toBe('a=@1');
  });

  test('a put writes whatever is there, a marker too', async () => {
    await cas('a', 0, 'one');
    await kv.remove('a', 1);
    await kv.put('a', bytes('two'));
    expect(await read('a')).toBe('a=two@3');
  });

  test('an aborted get rejects with the reason', async () => {
    const reason = new Error('enough');
    await expect(kv.get('a', AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test('a key written with a time to live leaves a marker with a revision of its own', async () => {
    const recorder = await TailRecorder.start(kv);
    await cas('a', 0, 'one', { ttlMs: 1_000 });
    await world.pass(recorder.untilRevision(2));
    await recorder.tail.stop();
    expect(recorder.shown()).toEqual(['a=one@1', 'a gone@2']);
    expect(await read('a')).toBe('a gone@2');
    expect(await cas('a', 1, 'late renewal')).toEqual({ kind: 'conflict' });
    expect(await cas('a', 0, 'no')).toEqual({ kind: 'conflict' });
    expect(await cas('a', 2, 'again')).toEqual({ kind: 'written', revision: 3 });
  });

  test('a renewal with a time to live lives on by it, one without has no end', async () => {
    const recorder = await TailRecorder.start(kv);
    await cas('renewed', 0, 'one', { ttlMs: 1_000 });
    await cas('endless', 0, 'one', { ttlMs: 1_000 });
    await cas('renewed', 1, 'two', { ttlMs: 2_000 });
    await cas('endless', 2, 'two');
    const witness = revisionOf(await cas('witness', 0, 'one', { ttlMs: 1_000 }));
    await world.pass(recorder.until(() => recorder.newest('witness')?.includes('gone') ?? false));
    // The first times to live have passed by now, without effect.
    expect(await read('renewed')).toBe('renewed=two@3');
    await world.pass(recorder.until(() => recorder.newest('renewed')?.includes('gone') ?? false));
    await recorder.tail.stop();
    expect(await read('endless')).toBe('endless=two@4');
    expect(witness).toBe(5);
  });

  test('two clients that open one bucket at once share it', async () => {
    const other = await world.connect(`other${buckets}`);
    const [mine, theirs] = await Promise.all([client.kv('shared'), other.kv('shared')]);
    await mine.cas('a', 0, bytes('one'));
    expect(await theirs.cas('a', 0, bytes('two'))).toEqual({ kind: 'conflict' });
    expect(await theirs.get('a')).toMatchObject({ kind: 'value', revision: 1 });
  });

  test('without a connection a CAS is unknown, and reads and puts reject', async () => {
    const other = await world.connect(`gone${buckets}`);
    const lost = await other.kv('lost');
    await other.kill();
    expect(await world.pass(lost.cas('a', 0, bytes('x')))).toMatchObject({ kind: 'unknown' });
    expect(await world.pass(lost.remove('a', 0))).toMatchObject({ kind: 'unknown' });
    await expect(world.pass(lost.get('a'))).rejects.toThrow(/did not answer/);
    await expect(world.pass(lost.put('a', bytes('x')))).rejects.toThrow(/did not answer/);
  });
});
