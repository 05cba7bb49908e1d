import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import {
  type FleetServiceServer,
  FleetServiceService,
  type GetOverviewRequest,
  type GetOverviewResponse,
} from '@podctl/proto/podctl/v1/fleet.ts';
import { totals } from '../core/view.ts';
import type { Fleet } from '../shell/fleet.ts';
import { type Diagnose, diagnosisMessage } from './diagnosis.ts';
import type { Handlers } from './handler.ts';
import { overviewMessage, serverInfoMessage } from './overview-map.ts';
import type { Failure } from './status.ts';
import { Wake } from './wake.ts';
import { watchBytes } from './watch-bytes-map.ts';
import { intervalOf, type WatchHub } from './watch-hub.ts';

/** How long a read waits for a revision that its coordinator has not seen yet. */
const REVISION_WAIT_MS_MAX = 5_000;

const CANNOT_LOOK: Failure = {
  kind: 'precondition',
  message: 'this coordinator was started without the means to look around itself',
};

export const fleetServiceDefinition = {
  ...FleetServiceService,
  watch: { ...FleetServiceService.watch, responseSerialize: watchBytes },
};

export function fleetService(
  fleet: Fleet,
  handlers: Handlers,
  hub: WatchHub,
  clock: Clock,
  diagnose: Diagnose | null,
): FleetServiceServer {
  return {
    getServerInfo: handlers.unary('GetServerInfo', async () =>
      ok(serverInfoMessage(fleet.info(), clock.wallMs())),
    ),
    getOverview: handlers.unary('GetOverview', (request, signal) =>
      getOverview(fleet, clock, request, signal),
    ),
    watch: handlers.streaming('Watch', async ({ intervalMs, resumeToken }, send, signal) => {
      const interval = intervalOf(intervalMs);
      return interval.ok
        ? await hub.serve(interval.value, { send, signal }, resumeToken)
        : interval.error;
    }),
    getDiagnosis: handlers.unary('GetDiagnosis', async (_request, signal) =>
      diagnose === null ? err(CANNOT_LOOK) : ok(diagnosisMessage(await diagnose(signal))),
    ),
  };
}

async function getOverview(
  fleet: Fleet,
  clock: Clock,
  { minRevision }: GetOverviewRequest,
  signal: AbortSignal,
): Promise<Result<GetOverviewResponse, Failure>> {
  if (!(await reached(fleet, clock, minRevision, signal)))
    return err({
      kind: 'unavailable',
      message: `this coordinator has seen revision ${fleet.picture().snapshot.revision} and not yet ${minRevision}: ask again in a few seconds, or ask the one that gave this revision`,
    });
  return ok({ overview: overviewMessage(totals(fleet.picture()), fleet.info()) });
}

async function reached(
  fleet: Fleet,
  clock: Clock,
  revision: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  const isReached = () => BigInt(fleet.picture().snapshot.revision) >= revision;
  if (isReached()) return true;
  const happened = new Wake(clock);
  const forget = fleet.onChange(() => happened.wake());
  const untilMs = clock.monotonicMs() + REVISION_WAIT_MS_MAX;
  try {
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      if (isReached() || leftMs <= 0) return isReached();
      await happened.wait(leftMs, signal);
    }
  } finally {
    forget();
  }
}
