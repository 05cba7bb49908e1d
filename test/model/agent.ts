import type { AgentId, Nonce } from '@podctl/domain/ids.ts';
import { decideHello, type SessionRecord } from '@podctl/domain/session.ts';
import type { Emit } from './checker.ts';
import { isServed } from './leader.ts';
import { clusterOf, type Model } from './model.ts';
import {
  type AgentParts,
  type AgentRecord,
  ASKED,
  agentAt,
  MODE,
  RECORD,
  type State,
  tokenAt,
} from './state.ts';
import { workSteps } from './work.ts';

/** The agents' processes: they start, say hello, work, say goodbye, and crash. */
export function agentSteps(model: Model, state: State, emit: Emit<State>): void {
  state.agents.forEach(({ mode }, index) => {
    if (mode === MODE.down) startStep(model, state, index, emit);
    else sessionStep(model, state, index, emit);
    workSteps(model, state, index, emit);
    settledSteps(model, state, index, emit);
    if (mode === MODE.leaving) farewellSteps(model, state, index, emit);
    if (mode === MODE.up && state.budget.crashes > 0) crashSteps(model, state, index, emit);
    if (model.world.oldHello) oldHelloStep(model, state, index, emit);
  });
}

function startStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  emit(
    true,
    () => `agent ${index} is started`,
    model.withAgent(state, index, { mode: MODE.up, recordIsMine: false, session: 0 }),
  );
}

function sessionStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  if (agentAt(state, index).session === 0) helloStep(model, state, index, emit);
  else if (!isServed(state, index)) overStep(model, state, index, emit);
}

/** Hello is answered with the session that the product's own `decideHello` leads to. */
function helloStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  if (agent.mode !== MODE.up) return;
  const resumes = decision(model, state, agent, 'now') === 'resume';
  const session = resumes ? agent.recordSession : newestSession(model, state, index) + 1;
  const { world } = state;
  const isNewWorld = agent.world !== world && model.fault !== 'cluster-ignored';
  const change: Partial<AgentParts> = {
    record: RECORD.live,
    recordSession: session,
    recordWorld: world,
    recordIsMine: true,
    session,
    world,
    // Everything of an older world is dropped.
    ...(isNewWorld ? { task: -1, disk: 0 } : {}),
  };
  let next = model.withAgent(state, index, change);
  state.tokens.forEach((token, i) => {
    const { disk } = agentAt(next, index);
    if (((disk >> i) & 1) === 1)
      next = model.withToken(next, i, { asked: token.asked | askedIn(session, token.session) });
  });
  emit(true, () => `agent ${index} says hello, and is welcomed in session ${session}`, next);
}

/** Revisions of a restored bucket may go back; where they rise, no session's number comes again. */
function newestSession(model: Model, state: State, index: number): number {
  const { recordSession, session } = agentAt(state, index);
  if (!model.world.numbersRise) return recordSession;
  const held = state.tokens.map((token) => (token.agent === index ? token.session : 0));
  return Math.max(recordSession, session, ...held);
}

function askedIn(session: number, holding: number): number {
  return session === holding ? ASKED.holder : ASKED.later;
}

function decision(model: Model, state: State, agent: AgentRecord, boot: string): string {
  const ignores = model.fault === 'cluster-ignored';
  const record: SessionRecord = {
    cluster: clusterOf(ignores ? 0 : agent.recordWorld),
    nonce: 'cccccccccccccccc' as Nonce,
    agent: 'a' as AgentId,
    state: (['live', 'lost', 'gone'] as const)[agent.record] ?? 'gone',
    boot: agent.recordIsMine ? 'now' : 'older',
    host: '',
    version: '',
    engine: '',
    slots: { download: 1, transcribe: 1 },
    sinceMs: 0,
    session: agent.recordSession,
  };
  return decideHello(record, clusterOf(ignores ? 0 : state.world), boot).kind;
}

/** The answer to a heartbeat: superseded by a newer process, which ends it, or to say hello again. */
function overStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  const ignores = model.fault === 'cluster-ignored';
  const isOfNow = ignores || (agent.recordWorld === state.world && agent.world === state.world);
  if (ignores && agent.session === agent.recordSession && agent.record === RECORD.live) return;
  const isSuperseded = isOfNow && agent.record === RECORD.live && !agent.recordIsMine;
  if (isSuperseded)
    emit(
      true,
      () => `agent ${index} hears that it is superseded, and ends`,
      model.withAgent(state, index, { mode: MODE.down, task: -1, session: 0 }),
    );
  else
    emit(
      true,
      () => `agent ${index} hears that its session is over`,
      agent.mode === MODE.leaving
        ? model.withAgent(state, index, { mode: MODE.down, session: 0 })
        : model.withAgent(state, index, { session: 0 }),
    );
}

function settledSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  if (agent.mode === MODE.down) return;
  state.tokens.forEach(({ answers }, token) => {
    if (((agent.disk >> token) & 1) === 0 || answers === 0) return;
    emit(
      true,
      () => `agent ${index} hears the verdict, and forgets token ${token}`,
      model.withAgent(state, index, { disk: agent.disk & ~(1 << token) }),
    );
  });
}

/** Its locks are closed first (leader.ts), then the session is recorded as gone. Or nobody answers, and it ends all the same. */
function farewellSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const ended = { mode: MODE.down, session: 0 } as const;
  const holds = [0, 1].some((stage) => {
    const token = state.value.lockOf[stage];
    if (token === undefined || token < 0) return false;
    const { agent, session, accepted } = tokenAt(state, token);
    return agent === index && session === agentAt(state, index).session && !accepted;
  });
  if (!holds && isServed(state, index))
    emit(
      true,
      () => `agent ${index}'s session is recorded as gone`,
      model.withAgent(state, index, { ...ended, record: RECORD.gone }),
    );
  emit(
    true,
    () => `nobody answers the goodbye of agent ${index}, and it ends`,
    model.withAgent(state, index, ended),
  );
}

function crashSteps(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  const budget = { ...state.budget, crashes: state.budget.crashes - 1 };
  const spent = { ...state, budget };
  const down = { mode: MODE.down, session: 0, task: -1 } as const;
  if (model.world.goodbye && agent.session > 0) {
    emit(
      false,
      () => `agent ${index} is asked to stop, and says goodbye`,
      model.withAgent(spent, index, { mode: MODE.leaving, task: -1 }),
    );
    return;
  }
  emit(
    false,
    () => `agent ${index} crashes, its disk is kept`,
    model.withAgent(spent, index, down),
  );
  if (agent.disk !== 0)
    emit(
      false,
      () => `agent ${index} crashes and loses its disk`,
      model.withAgent(spent, index, { ...down, disk: 0 }),
    );
  if (agent.task >= 0 && agent.zombie < 0 && agent.task < state.tokens.length)
    emit(
      false,
      () => `agent ${index} is started elsewhere, and the old process works on`,
      model.withAgent(spent, index, { ...down, disk: 0, zombie: agent.task }),
    );
}

/** A hello that was long under way. The process of the record is pinged before it is superseded. */
function oldHelloStep(model: Model, state: State, index: number, emit: Emit<State>): void {
  const agent = agentAt(state, index);
  const hasRestarted = state.budget.crashes < model.world.crashes;
  if (!hasRestarted || state.budget.spurious === 0) return;
  const decided = decision(model, state, agent, 'oldest');
  const answersPing = agent.mode !== MODE.down && agent.recordIsMine;
  const isRefused = decided === 'supersede' && answersPing;
  if (decided === 'resume' || (isRefused && model.fault !== 'old-hello-supersedes')) return;
  const budget = { ...state.budget, spurious: state.budget.spurious - 1 };
  const recordSession = agent.recordSession + 1;
  emit(
    false,
    () => `a delayed hello of an older process of agent ${index} begins session ${recordSession}`,
    model.withAgent({ ...state, budget }, index, {
      record: RECORD.live,
      recordSession,
      recordWorld: state.world,
      recordIsMine: false,
    }),
  );
}
