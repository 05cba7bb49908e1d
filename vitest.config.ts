import { configDefaults, defineConfig } from 'vitest/config';
import { SlowestFirst } from './test/support/slowest-first.ts';

export default defineConfig({
  test: {
    globalSetup: ['test/support/toolchain-setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    sequence: { sequencer: SlowestFirst },
    // One more than the smallest machine has cores: a quarter of the time a test waits for something that is not the CPU.
    maxWorkers: 3,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // A hang names its test instead of eating the whole run.
    teardownTimeout: 10_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'beside the code',
          include: ['{apps,packages}/**/*.test.ts'],
          // What is imported is loaded once for all: a third of their time. So no test may leave anything behind.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'across the parts',
          include: ['test/**/*.test.ts'],
          // Engines that are not ours are installed for them: `npm run test:engines`.
          exclude: [
            ...configDefaults.exclude,
            ...(process.env.PODCTL_TEST_ENGINES === '1' ? [] : ['test/engines/**']),
          ],
        },
      },
    ],
  },
});
