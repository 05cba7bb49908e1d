import { readBootstrap } from '@podctl/platform/bootstrap.ts';
import { runMain } from '@podctl/platform/lifecycle.ts';
import { createLogger } from '@podctl/platform/logger.ts';
import { runCoordinator } from '../../apps/coordinator/src/run.ts';
import { controlledFailpoints } from './child-control.ts';
import { watchedBus } from './watched-bus.ts';
import { watchedLibrary } from './watched-files.ts';
import { watchedKv } from './watched-kv.ts';

/** A coordinator that is the product's own, but for what stands between it and what it changes. */
const points = controlledFailpoints();
const log = createLogger({ level: 'info', component: 'coordinator' });
await runMain(
  async (context) =>
    runCoordinator(await readBootstrap('coordinator', process.env), log, context, (ports) => ({
      ...ports,
      state: watchedKv(ports.state, 'state', points),
      meta: watchedKv(ports.meta, 'meta', points),
      lead: watchedKv(ports.lead, 'lead', points),
      bus: watchedBus(ports.bus, points),
      library: watchedLibrary(ports.library, points),
    })),
  { graceMs: 8_000, onCrash: (error) => log.error({ err: error }, 'the coordinator crashed') },
);
