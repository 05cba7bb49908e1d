import { expect, it } from 'vitest';
import { play } from './campaign.ts';
import { hostsProblem } from './network.ts';
import { SCENARIOS } from './scenarios.ts';

/** The one of `npm run test:hosts` that is played with every other test. */
const CASE = 'leader-killed';

const problem = await hostsProblem();
if (problem !== null)
  process.stderr.write(`SKIPPED: the test on several hosts, since ${problem}\n`);

it.skipIf(problem !== null)(
  'a fleet on several hosts goes on within 8 s when its leading coordinator is killed, and loses and repeats nothing',
  { timeout: 180_000 },
  async () => {
    const [result] = await play(
      SCENARIOS.filter(({ id }) => id === CASE),
      () => undefined,
    );
    expect(result).toMatchObject({
      kind: 'passed',
      wrongs: [],
      counts: { fenced: 0, repeated: 0, lost: 0, acceptedTwice: 0 },
    });
  },
);
