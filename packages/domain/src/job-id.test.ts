import fc from 'fast-check';
import { expect, test } from 'vitest';
import { episodeIdFrom } from './ids.ts';
import { jobIdOf, parseJobId } from './job-id.ts';
import { STAGES } from './stage.ts';

const episodes = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(episodeIdFrom);

test('a job’s id is read back as what it was printed from', () => {
  fc.assert(
    fc.property(
      episodes,
      fc.constantFrom(...STAGES),
      fc.integer({ min: 1, max: 999_999_999 }),
      (...of) => {
        const [episode, stage, run] = of;
        expect(parseJobId(jobIdOf(...of))).toEqual({
          ok: true,
          value: { episodePrefix: episode, stage, run },
        });
      },
    ),
  );
});

test('its end may be left out, and most of the episode’s id', () => {
  expect(parseJobId(' K7QM ')).toMatchObject({
    value: { episodePrefix: 'k7qm', stage: null, run: null },
  });
  expect(parseJobId('k7qm.download')).toMatchObject({ value: { stage: 'download', run: null } });
});

test('what is none is refused with what one looks like', () => {
  for (const text of [
    '',
    'abc',
    'k7qm.',
    'k7qm.upload',
    'k7qm.download.0',
    'k7qm.download.x',
    'k1qm',
  ])
    expect(parseJobId(text)).toMatchObject({
      ok: false,
      error: expect.stringContaining('k7qmabcd.transcribe.1'),
    });
});
