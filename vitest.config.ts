import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['{apps,packages,test}/**/*.test.ts'],
    globalSetup: ['test/support/toolchain-setup.ts'],
    reporters: ['default', './test/support/closing-line-reporter.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Two cores: real servers and the engine run beside the tests.
    maxWorkers: 2,
    // A hang names its test instead of eating the whole run.
    teardownTimeout: 10_000,
  },
});
