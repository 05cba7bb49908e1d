import type { Emit } from './checker.ts';
import type { Model } from './model.ts';
import {
  type AgentRecord,
  END,
  FILES,
  MODE,
  type Operation,
  type State,
  stageOf,
  type TokenRecord,
} from './state.ts';

/**
 * A backup of the bucket is taken, and restored into an empty server: a new cluster.id, the library as it is.
 * Revisions go back to where they were, so that numbers of the old world come again: the worst that a restore may do.
 * What was accepted after the backup is forgotten with it, and its runs are done again.
 */
export function restoreSteps(model: Model, state: State, emit: Emit<State>): void {
  if (model.world.restore === 'never' || state.world > 0) return;
  if (!state.backup.taken && isWorthBackup(model, state))
    emit(false, () => 'a backup is taken', {
      ...state,
      backup: model.backup({
        taken: true,
        value: state.value,
        agents: state.agents.map((agent) => recordOnly(model, agent)),
        tokens: state.tokens.map((token) => historyOnly(model, token)),
        next: state.next,
      }),
    });
  if (state.backup.taken)
    emit(false, () => 'the backup is restored under a new cluster.id', restored(model, state));
}

function isWorthBackup(model: Model, { value, tokens }: State): boolean {
  if (model.world.restore === 'of-busy') return value.lockOf.some((token) => token >= 0);
  return tokens.length > 0 || stageOf(value, 0).wanted > 0;
}

function restored(model: Model, state: State): State {
  const { value, agents, tokens, next } = state.backup;
  if (value === null) throw new Error('the model restores a backup that was not taken');
  return {
    ...state,
    value,
    world: 1,
    next: numberAfter(model, state, next),
    tokens: state.tokens.map((token, index) => tokenAfter(model, token, tokens[index])),
    agents: state.agents.map((agent, index) => agentAfter(model, agent, agents[index])),
    pending: model.sorted(
      operationAfter(model, state.pending[0]),
      operationAfter(model, state.pending[1]),
    ),
    late: model.idle,
    backup: model.first().backup,
  };
}

/** Of the next token. */
function numberAfter(model: Model, state: State, then: number): number {
  return model.world.numbersRise ? state.next : then;
}

/** Coordinators are stopped before a restore, and what they were about to do ends with them. */
function operationAfter(model: Model, operation: Operation): Operation {
  const survives = model.fault === 'restore-beside-sweeper' && operation.kind === 'sweep';
  return survives ? operation : model.idle;
}

/** Its files, messages and work go on; its history is that of the backup. What was said in the old world binds nobody. */
function tokenAfter(model: Model, token: TokenRecord, then: TokenRecord | undefined): TokenRecord {
  return model.token({
    ...token,
    accepted: then?.accepted ?? false,
    end: then?.end ?? END.forgiven,
    answers: 0,
  });
}

function agentAfter(model: Model, agent: AgentRecord, then: AgentRecord | undefined): AgentRecord {
  const { record, recordSession, recordWorld, recordIsMine } = then ?? agent;
  return model.agent({ ...agent, record, recordSession, recordWorld, recordIsMine });
}

function recordOnly(model: Model, agent: AgentRecord): AgentRecord {
  return model.agent({
    ...agent,
    mode: MODE.down,
    session: 0,
    world: 0,
    task: -1,
    disk: 0,
    zombie: -1,
  });
}

function historyOnly(model: Model, token: TokenRecord): TokenRecord {
  return model.token({
    ...token,
    staged: FILES.none,
    named: FILES.none,
    checkpoint: false,
    mixed: false,
    begun: false,
    failed: false,
    asked: 0,
    answers: 0,
  });
}
