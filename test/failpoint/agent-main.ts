import { runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { loadAgentConfig } from '../../apps/agent/src/config.ts';
import { runAgent } from '../../apps/agent/src/run.ts';
import { controlledFailpoints } from './child-control.ts';
import { watchedBus } from './watched-bus.ts';
import { watchedLibrary } from './watched-files.ts';
import { watchedJournal } from './watched-journal.ts';

/** An agent that is the product's own, but for what stands between it and what it changes. */
const points = controlledFailpoints();
const log = createLogger({ level: 'info', component: 'agent' });
await runMain(
  async (context) =>
    runAgent(await loadAgentConfig(process.env), log, context, (effects) => ({
      bus: watchedBus(effects.bus, points),
      journal: watchedJournal(effects.journal, points),
      library: watchedLibrary(effects.library, points),
    })),
  { graceMs: 8_000, onCrash: (error) => log.error({ err: error }, 'the agent crashed') },
);
