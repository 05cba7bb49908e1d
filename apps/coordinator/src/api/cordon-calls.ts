import { CORDON_LIMITS, type CordonWish, isClosed } from '@podctl/domain/cordon.ts';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type {
  CordonAgentRequest,
  CordonAgentResponse,
  DrainAgentRequest,
  DrainAgentResponse,
  UncordonAgentRequest,
  UncordonAgentResponse,
} from '@podctl/proto/podctl/v1/agent.ts';
import { agentViews } from '../core/view.ts';
import type { Access } from '../shell/access.ts';
import type { Fleet } from '../shell/fleet.ts';
import { cordonMessage, runningJob } from './agent-map.ts';
import { hintFrom } from './did-you-mean.ts';
import { msOf } from './duration-map.ts';
import type { Failure } from './status.ts';

type Answer<T> = Promise<Result<T, Failure>>;

/** What was asked for stands in no answer: only the name of a known agent is ever shown back. */
export function noSuchAgent(given: string, names: Iterable<AgentId>): Failure {
  return {
    kind: 'not_found',
    reason: 'AGENT_NOT_FOUND',
    message: 'no agent has that name',
    hint: hintFrom(given, names, '"podctl agent list" shows them'),
  };
}

/** The calls that take agents out and back in. Orders for the leader; `by` is the caller's name. */
export class CordonCalls {
  readonly #fleet: Fleet;
  readonly #access: Access | null;

  constructor(fleet: Fleet, access: Access | null) {
    this.#fleet = fleet;
    this.#access = access;
  }

  cordon({ agentId: id, reason }: CordonAgentRequest, by: string): Answer<CordonAgentResponse> {
    return this.#close(id, reason, { kind: 'cordon', reason: reason.trim(), by });
  }

  async uncordon({ agentId: id }: UncordonAgentRequest, by: string): Answer<UncordonAgentResponse> {
    const agent = this.#known(id);
    if (agent === null) return err(this.#unknown(id));
    const { changed } = await this.#fleet.orders.setCordon(agent, { kind: 'uncordon', by });
    return ok({ changed });
  }

  async drain(request: DrainAgentRequest, by: string): Answer<DrainAgentResponse> {
    const { agentId: id, reason, deadline } = request;
    const deadlineInMs =
      deadline === undefined ? null : msOf(deadline, CORDON_LIMITS.deadlineMsMax);
    if (deadline !== undefined && deadlineInMs === null)
      return invalid('deadline', 'deadline is out of range', 'give 0 s to 7 days, or none to wait');
    return this.#close(id, reason, { kind: 'drain', reason: reason.trim(), by, deadlineInMs });
  }

  async #close(id: string, reason: string, wish: CordonWish): Answer<DrainAgentResponse> {
    const { reasonLengthMax } = CORDON_LIMITS;
    if (reason.length > reasonLengthMax)
      return invalid(
        'reason',
        `reason has ${reason.length} characters`,
        `give at most ${reasonLengthMax}`,
      );
    if (/\p{Cc}/u.test(reason))
      return invalid('reason', 'reason has control characters', 'give one line of text');
    const agent = this.#known(id);
    if (agent === null) return err(this.#unknown(id));
    const { cordon, changed } = await this.#fleet.orders.setCordon(agent, wish);
    const jobs = agentViews(this.#fleet.picture()).find(({ record }) => record.agent === agent);
    return ok({
      cordon: cordon === null ? undefined : cordonMessage(cordon),
      changed,
      jobs: jobs?.jobs.map(runningJob) ?? [],
    });
  }

  #unknown(given: string): Failure {
    return noSuchAgent(given, this.#fleet.picture().snapshot.sessions.keys());
  }

  /** Who said hello once, or was let in and did not yet: a machine may be kept out before it comes. */
  #known(text: string): AgentId | null {
    const id = agentId(text);
    if (!id.ok) return null;
    const { sessions, cordons } = this.#fleet.picture().snapshot;
    if (sessions.has(id.value) || isClosed(cordons.get(id.value)?.record)) return id.value;
    const credential = this.#access?.credential(id.value) ?? null;
    return credential !== null && credential.revokedMs === null ? id.value : null;
  }
}

function invalid(field: string, message: string, hint: string): Result<never, Failure> {
  return err({ kind: 'invalid', field, message, hint });
}
