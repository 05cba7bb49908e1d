import { AuthorityError } from '@podctl/platform/authority/authority.ts';
import { readBootstrap } from '@podctl/platform/bootstrap.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { ListenError } from '@podctl/platform/health-server.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { type MainContext, runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { NatsRefused } from '@podctl/platform/nats/connection.ts';
import { runRestore } from './restore.ts';
import { runCoordinator } from './run.ts';

/** Exit codes: 0 it stopped as asked; 1 it cannot go on (library, NATS, port); 2 a setting is wrong; 70 a bug. */
const EXIT_UNUSABLE = 1;
const EXIT_SETTINGS = 2;
const STOP_MS_MAX = 8_000;

const startLog = createLogger({ level: 'info', component: 'coordinator' });
await runMain(main, {
  graceMs: STOP_MS_MAX,
  onCrash: (error) => startLog.error({ err: error }, 'the coordinator ends unexpectedly'),
});

async function main(context: MainContext): Promise<number> {
  try {
    const bootstrap = await readBootstrap('coordinator', process.env);
    const log = createLogger({ level: bootstrap.settings.log.level, component: 'coordinator' });
    const { restoreFile } = bootstrap;
    if (restoreFile !== undefined)
      return await runRestore(bootstrap, restoreFile, log, context.signal);
    return await runCoordinator(bootstrap, log, context);
  } catch (error) {
    if (error instanceof SettingsError || isExpected(error)) {
      startLog.error({}, error.message);
      return error instanceof SettingsError ? EXIT_SETTINGS : EXIT_UNUSABLE;
    }
    throw error;
  }
}

/** What a person can mend: told as one sentence, without a stack. */
function isExpected(error: unknown): error is Error {
  return [LibraryError, ListenError, NatsRefused, AuthorityError].some(
    (kind) => error instanceof kind,
  );
}
