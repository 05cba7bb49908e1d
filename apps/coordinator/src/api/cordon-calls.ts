import { CORDON_LIMITS, type CordonWish, isClosed } from '@podctl/domain/cordon.ts';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { Duration } from '@podctl/proto/google/protobuf/duration.ts';
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
import type { Failure } from './status.ts';

type Answer<T> = Promise<Result<T, Failure>>;

/** What was asked for stands in no answer. */
export const NO_SUCH_AGENT: Failure = {
  kind: 'not_found',
  message: 'no agent has that name: podctl agent list shows them',
};

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
    if (agent === null) return err(NO_SUCH_AGENT);
    const { changed } = await this.#fleet.setCordon(agent, { kind: 'uncordon', by });
    return ok({ changed });
  }

  async drain(request: DrainAgentRequest, by: string): Answer<DrainAgentResponse> {
    const { agentId: id, reason, deadline } = request;
    const deadlineInMs = deadline === undefined ? null : msOf(deadline);
    if (deadlineInMs === undefined)
      return invalid('deadline is out of range: give 0 s to 7 days, or none to wait');
    return this.#close(id, reason, { kind: 'drain', reason: reason.trim(), by, deadlineInMs });
  }

  async #close(id: string, reason: string, wish: CordonWish): Answer<DrainAgentResponse> {
    const { reasonLengthMax } = CORDON_LIMITS;
    if (reason.length > reasonLengthMax)
      return invalid(`reason has ${reason.length} characters: give at most ${reasonLengthMax}`);
    if (/\p{Cc}/u.test(reason)) return invalid('reason has control characters: give one line');
    const agent = this.#known(id);
    if (agent === null) return err(NO_SUCH_AGENT);
    const { cordon, changed } = await this.#fleet.setCordon(agent, wish);
    const jobs = agentViews(this.#fleet.picture()).find(({ record }) => record.agent === agent);
    return ok({
      cordon: cordon === null ? undefined : cordonMessage(cordon),
      changed,
      jobs: jobs?.jobs.map(runningJob) ?? [],
    });
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

/** Undefined for one that is out of range. */
function msOf({ seconds, nanos }: Duration): number | undefined {
  const ms = Number(seconds) * 1_000 + Math.trunc(nanos / 1_000_000);
  return ms >= 0 && ms <= CORDON_LIMITS.deadlineMsMax ? ms : undefined;
}

function invalid(message: string): Result<never, Failure> {
  return err({ kind: 'invalid', message });
}
