import { AGENT_INBOXES, logSubject } from '@podctl/domain/key.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import {
  connectNats,
  type NatsEvent,
  type NatsLink,
  NatsRefused,
} from '@podctl/platform/nats/connection.ts';
import { isRightless } from '@podctl/platform/nats/refusal.ts';
import { natsLogin } from '@podctl/platform/nats-login.ts';
import type { AgentConfig } from '../config.ts';
import { EXIT_REFUSED } from '../core/departure.ts';
import type { LogTail } from '../core/log-tail.ts';
import type { AgentEnd } from './agent.ts';

const EXIT_UNUSABLE = 1;
/** A reload of the servers' accounts refuses for a moment; who was removed from the fleet is refused for ever. */
const REFUSED_MS_MAX = 60_000;

/**
 * The agent's connection to NATS, or its end when there is none.
 *
 * @param closed is called when the connection is gone for good: the agent can say nothing any more, not even goodbye.
 * @param logs is closed when the credential, an older one, gives no right to tell what is in it: each line about that would
 *   be one more to tell.
 */
export async function connectAgent(
  { nats, agent }: Pick<AgentConfig, 'nats' | 'agent'>,
  log: Logger,
  signal: AbortSignal,
  closed: (end: AgentEnd) => void,
  logs: LogTail,
): Promise<Result<NatsLink, AgentEnd>> {
  const refused = () => logs.close();
  const listen = natsListener(log, closed, { subject: logSubject(agent), refused });
  try {
    const options = {
      ...(await natsLogin(nats)),
      name: `podctl agent ${agent}`,
      inboxPrefix: `${AGENT_INBOXES}.${agent}`,
      refusedMsMax: REFUSED_MS_MAX,
    };
    const ports = { clock: systemClock, random: Math.random, listen };
    return ok(await connectNats(options, ports, signal));
  } catch (error) {
    signal.throwIfAborted();
    return err(endOf(error));
  }
}

interface LogRight {
  readonly subject: string;
  refused(): void;
}

function natsListener(log: Logger, closed: (end: AgentEnd) => void, logs: LogRight) {
  return (event: NatsEvent) => {
    switch (event.kind) {
      case 'connected':
        log.info({}, 'Connected to NATS');
        return;
      case 'disconnected':
        log.warn({}, 'Disconnected from NATS; trying again');
        return;
      case 'trouble':
        if (isRightless(event.error, logs.subject)) logs.refused();
        log.warn({ err: event.error }, 'NATS reports a trouble');
        return;
      case 'closed':
        closed(endOf(event.error ?? new Error('The connection to NATS was closed.')));
        return;
    }
  };
}

/** Who is refused need not be started anew: a supervisor tells by the code. */
function endOf(error: unknown): AgentEnd {
  const isRefused =
    error instanceof NatsRefused && (error.why === 'revoked' || error.why === 'credentials');
  return {
    code: isRefused ? EXIT_REFUSED : EXIT_UNUSABLE,
    reason: error instanceof Error ? error.message : String(error),
  };
}
