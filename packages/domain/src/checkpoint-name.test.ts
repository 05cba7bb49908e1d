import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  CHECKPOINTS_MAX,
  checkpointName,
  farthestCheckpoint,
  parseCheckpointName,
} from './checkpoint-name.ts';
import { FILES_MAX, isFileName } from './manifest.ts';

const key = 'a1'.repeat(8);
const folder = 'staging/c/f.e.transcribe';
const at = (token: number, run: number, milliseconds: number, of = key) =>
  `${folder}/${token}/${checkpointName({ run, key: of, milliseconds })}`;

test('a checkpoint’s name is a good file name, and is read back as what it was made of', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 999_999_999 }),
      fc.stringMatching(/^[0-9a-f]{16}$/),
      fc.integer({ min: 0, max: 999_999_999_999 }),
      (run, of, milliseconds) => {
        const name = checkpointName({ run, key: of, milliseconds });
        expect(isFileName(name)).toBe(true);
        expect(parseCheckpointName(name)).toEqual({ run, key: of, milliseconds });
      },
    ),
    { numRuns: 100 },
  );
});

test('an attempt that listened twice has room for its checkpoints and what it hands in', () => {
  const handedIn = ['txt', 'srt', 'vtt', 'json', 'md'].length;
  expect(2 * CHECKPOINTS_MAX + handedIn).toBeLessThanOrEqual(FILES_MAX);
});

test('other files of an attempt are no checkpoints', () => {
  const good = checkpointName({ run: 1, key, milliseconds: 5 });
  const near = [`.part-of-${good}`, `${good}.bak`, good.replace('r1', 'r0'), good.toUpperCase()];
  for (const name of ['transcript.json', 'manifest.json', '', ...near])
    expect(parseCheckpointName(name)).toBeNull();
});

test('the farthest one of the run and the key is found, whichever attempt left it', () => {
  const paths = [at(5, 2, 240_000), at(5, 2, 480_000), at(9, 2, 300_000), at(9, 1, 900_000)];
  const others = [at(9, 2, 990_000, 'b'.repeat(16)), `${folder}/9/transcript.txt`];
  expect(farthestCheckpoint([...paths, ...others], { run: 2, key })).toBe(at(5, 2, 480_000));
  expect(farthestCheckpoint([...paths, ...others], { run: 3, key })).toBeNull();
});
