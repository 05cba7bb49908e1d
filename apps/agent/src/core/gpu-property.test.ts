import { GPU_LIMITS } from '@podctl/domain/gpu.ts';
import { heartbeatMessage } from '@podctl/platform/wire.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { recording } from '../../../../test/support/nvidia-smi.ts';
import { EMPTY_ROUND, sightOf, sightOfQuery, withLine } from './gpu-round.ts';
import { foldSight, type GpuState, gpuReport, UNSEEN } from './gpu-state.ts';
import { sessionOf, world } from './machine-example.ts';

/** In the usual run; a long one asks for more. */
const numRuns = Number(process.env.PODCTL_FUZZ_RUNS ?? 1_000);
const REASON_LENGTH_MAX = 700;

const names = ['rtx-4090-two', 'a100-mig-container', 'garbage', 'no-driver', 'gpu-is-lost-in-loop'];
const recorded = (await Promise.all(names.map(recording))).flatMap(({ lines }) => lines);

/** From what it may say to anything at all: mutated rows come closest to the reader's edges. */
const field = fc.oneof(
  fc.constantFrom('0', '1', '63', '-1', '1e9', '[N/A]', '[GPU is lost]', '', 'NaN', '99999999999'),
  fc.double().map(String),
  fc.string({ unit: 'binary', maxLength: 20 }),
);
const row = fc
  .tuple(fc.nat(1_100), fc.array(field, { minLength: 6, maxLength: 12 }))
  .map(([index, fields]) => [index, ...fields].join(', '));
const mutated = fc
  .tuple(fc.constantFrom(...recorded), fc.nat(200), fc.string({ unit: 'binary', maxLength: 4 }))
  .map(([line, at, text]) => `${line.slice(0, at)}${text}${line.slice(at + text.length)}`);
const long = fc.nat(3_000).map((length) => '0, '.repeat(length));
const line = fc.oneof(
  row,
  mutated,
  long,
  fc.string({ unit: 'binary' }),
  fc.constantFrom(...recorded),
);
const lines = fc.array(line, { maxLength: 150 });

/** As short, as few and as sensible as a coordinator takes them: its own reader says so. */
function isBounded(state: GpuState): void {
  const { gpus, gpuProblem } = gpuReport(state);
  expect(gpus.length).toBeLessThanOrEqual(GPU_LIMITS.gpusMax);
  expect((gpuProblem ?? '').length).toBeLessThanOrEqual(REASON_LENGTH_MAX);
  const encoded = heartbeatMessage.encode({
    ...{ boot: 'b', cluster: world, session: sessionOf(7), sequence: 1, tokens: [], engine: 'e' },
    ...{ problem: gpuProblem, gpus, gpuProblem },
  });
  expect(encoded.ok ? '' : encoded.error).toBe('');
}

describe(`whatever nvidia-smi says (${numRuns} inputs each)`, () => {
  test('a query is answered without an error, with what a heartbeat may carry', () => {
    fc.assert(
      fc.property(
        lines,
        fc.option(fc.nat(255)),
        fc.string({ unit: 'binary' }),
        (said, code, stderr) => {
          const sight = sightOfQuery({ code, lines: said, stderr });
          isBounded(foldSight(UNSEEN, sight));
          isBounded(foldSight(foldSight(UNSEEN, sight), sight));
        },
      ),
      { numRuns },
    );
  });

  test('a lasting child is followed without an error, and nothing of it piles up', () => {
    fc.assert(
      fc.property(lines, fc.integer({ min: 1, max: 64 }), (said, expected) => {
        let state = UNSEEN;
        let round = EMPTY_ROUND;
        for (const one of said) {
          const next = withLine(round, one, expected);
          round = next.round;
          expect(round.gpus.length).toBeLessThanOrEqual(GPU_LIMITS.gpusMax);
          if (next.whole !== null) state = foldSight(state, sightOf(next.whole));
        }
        isBounded(state);
      }),
      { numRuns },
    );
  });
});
