import { relative } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that take long alone, in the order in which they are begun: so they end beside the short ones and not after them
 * all. On a machine that has run the tests before, vitest knows by itself; on a fresh clone it goes by a file's size.
 */
const SLOWEST = [
  'test/e2e/up.test.ts',
  'test/failpoint/failpoint.test.ts',
  // These two mostly wait, beside those two, which do not.
  'test/e2e/up-nats-elsewhere.test.ts',
  'apps/agent/src/shutdown.test.ts',
  'test/e2e/shutdown.test.ts',
  'packages/platform/src/python-env.test.ts',
  'test/e2e/second-host.test.ts',
  'test/hosts/hosts.test.ts',
  'test/sim/sim.test.ts',
  'test/integration/backup.test.ts',
];

export class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const { root } = this.ctx.config;
    const rank = ({ moduleId }: TestSpecification) => {
      const at = SLOWEST.indexOf(relative(root, moduleId));
      return at === -1 ? SLOWEST.length : at;
    };
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}
