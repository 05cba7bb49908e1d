import { systemClock } from '@podctl/platform/clock.ts';
import { SettingsError } from '@podctl/platform/config/settings-error.ts';
import { ListenError } from '@podctl/platform/health-server.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import { type MainContext, runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { loadAgentConfig } from './config.ts';
import { logLineOf } from './core/log-line.ts';
import { LogTail } from './core/log-tail.ts';
import { runAgent } from './run.ts';

/**
 * Exit codes: 0 it stopped as asked; 1 it cannot go on (library, NATS); 2 a setting is wrong; 3 a newer process has its
 * id (EXIT_SUPERSEDED); 4 the leader or NATS refuses it (EXIT_REFUSED); 5 a GPU that it needs is lost (EXIT_GPU_LOST); 70 a
 * bug; 128 + n when it did not stop in time.
 */
const EXIT_UNUSABLE = 1;
const EXIT_SETTINGS = 2;
/** Half of it is for handing back and saying goodbye. */
const STOP_MS_MAX = 8_000;

const startLog = createLogger({ level: 'info', component: 'agent' });
await runMain(main, {
  graceMs: STOP_MS_MAX,
  onCrash: (error) => startLog.error({ err: error }, 'The agent ends unexpectedly'),
});

async function main(context: MainContext): Promise<number> {
  try {
    const config = await loadAgentConfig(process.env);
    const logs = new LogTail();
    const tap = (json: string) => {
      const line = logLineOf(json, systemClock.wallMs());
      if (line !== null) logs.add(line);
    };
    const log = createLogger({ level: config.settings.log.level, component: 'agent', tap });
    return await runAgent(config, log.child({ agent: config.agent }), context, undefined, logs);
  } catch (error) {
    const isSetting = error instanceof SettingsError || error instanceof ListenError;
    if (!isSetting && !(error instanceof LibraryError)) throw error;
    startLog.error({}, error.message);
    return isSetting ? EXIT_SETTINGS : EXIT_UNUSABLE;
  }
}
