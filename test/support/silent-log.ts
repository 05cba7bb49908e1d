import { createLogger } from '@podctl/platform/logger.ts';

/** The real logger, whose lines nobody reads. */
export const silentLog = createLogger({
  level: 'debug',
  component: 'test',
  terminal: false,
  write: () => undefined,
});
