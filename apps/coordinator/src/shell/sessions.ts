import type { AgentId, SessionId } from '@podctl/domain/ids.ts';
import {
  agentOfSubject,
  commandSubject,
  helloSubject,
  ROLL_CALL_SUBJECT,
} from '@podctl/domain/key.ts';
import type { CommandMessage, HelloMessage, HelloReply } from '@podctl/domain/protocol.ts';
import type { AttemptEnd } from '@podctl/domain/retry.ts';
import { decideHello, type SessionRecord, sessionOf } from '@podctl/domain/session.ts';
import type { Bus, BusMessage, BusSubscription } from '@podctl/platform/bus.ts';
import { LibraryError } from '@podctl/platform/library.ts';
import type { Service } from '@podctl/platform/service.ts';
import { commandMessage, helloMessage, helloReply } from '@podctl/platform/wire.ts';
import { type LockRow, locksOfSession, type SessionRow } from '../core/snapshot.ts';
import type { PutOut, Standing } from './access.ts';
import type { Logger } from './logger.ts';
import { MessageComplaints } from './message-complaints.ts';
import type { Replica } from './replica.ts';
import { type SettleDeps, settle } from './settle.ts';

export interface SessionOptions extends SettleDeps {
  readonly bus: Bus;
  readonly replica: Replica;
  readonly log: Logger;
  readonly heartbeatMs: number;
  readonly lostAfterMs: number;
  readonly libraryId: string;
  /** Absent where nobody is asked who they are. */
  readonly putOut?: PutOut | undefined;
}

type Hello = HelloMessage & { readonly kind: 'hello' };
type Goodbye = HelloMessage & { readonly kind: 'goodbye' };

/** Writes of one session key that may come second before the agent is told to ask again. */
const TRIES_MAX = 5;
/** How long an older process has to prove that it lives. */
const PING_MS = 1_000;
const LOCKS_AT_ONCE = 16;
/** Hellos of one agent that wait for their turn. Of more, nobody is told anything: who is not answered asks again. */
const WAITING_MAX = 8;
const PUT_OUT = 'this agent was put out of the fleet: join anew with a fresh token';
const UNKNOWN = 'this machine is not known to the fleet (any more): join anew with a fresh token';
const UNREAD = 'this coordinator is reading who is let in: ask again';

/** The lives of agents: begun by hello, superseded by a newer process, ended by goodbye or loss. Leader only. */
export class Sessions implements Service {
  readonly name = 'sessions';
  readonly #options: SessionOptions;
  readonly #complaints: MessageComplaints;
  /** One hello at a time for each agent. */
  readonly #turns = new Map<AgentId, { last: Promise<void>; waiting: number }>();
  #subscription: BusSubscription | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#complaints = new MessageComplaints(options.log, options.clock);
  }

  async start(): Promise<void> {
    this.#subscription = this.#options.bus.subscribe(helloSubject('*'), (message) =>
      this.#receive(message),
    );
    this.#options.bus.publish(ROLL_CALL_SUBJECT, new Uint8Array());
  }

  async stop(): Promise<void> {
    this.#subscription?.stop();
    this.#subscription = null;
    await Promise.allSettled([...this.#turns.values()].map(({ last }) => last));
  }

  /**
   * The agent fell silent: its session is over, and its locks are committed or revoked.
   *
   * @param putOutFor why it was put out, when that is it: then nothing is held against its jobs.
   */
  async lose(row: SessionRow, putOutFor: string | null = null): Promise<void> {
    const { agent } = row.record;
    const { record, revision } = await this.#options.store.readSession(agent);
    if (record?.state !== 'live' || sessionOf(record, revision) !== row.session) return;
    const state = putOutFor === null ? 'lost' : 'gone';
    const over = this.#renewed({ ...record, state, session: row.session });
    const written = await this.#options.store.casSession(over, revision);
    if (written.kind !== 'written') return;
    await this.close(agent, row.session, () =>
      putOutFor === null
        ? { kind: 'lost' }
        : { kind: 'returned', reason: putOutFor, retryAfterMs: null },
    );
  }

  /** Ends every lock of a session that is over. Only held ones: what is committed is finished whatever became of the session. */
  async close(agent: AgentId, session: number, end: (why: string) => AttemptEnd): Promise<void> {
    await this.#settleAll(locksOfSession(this.#options.replica.snapshot, agent, session), end);
  }

  /** Locks that belong to no live session: left by a leader that died between two writes. */
  async closeLeftovers(): Promise<void> {
    const { sessions, locks } = this.#options.replica.snapshot;
    const left = [...locks.values()].filter(({ lock }) => {
      const row = sessions.get(lock.agent);
      if (lock.state !== 'held' || row === undefined) return false;
      // A lock of a session that is not known yet is one that the tail has still to bring.
      if (row.session < lock.session) return false;
      return row.session > lock.session || row.record.state !== 'live';
    });
    for (const row of left) {
      const isGone = sessions.get(row.lock.agent)?.record.state === 'gone';
      await this.#settleAll([row], () =>
        isGone
          ? { kind: 'returned', reason: `agent ${row.lock.agent} has left`, retryAfterMs: null }
          : { kind: 'lost' },
      );
    }
  }

  async #settleAll(rows: readonly LockRow[], end: (why: string) => AttemptEnd): Promise<void> {
    const held = rows.filter(({ lock }) => lock.state === 'held');
    for (let i = 0; i < held.length; i += LOCKS_AT_ONCE) {
      const batch = held.slice(i, i + LOCKS_AT_ONCE);
      await Promise.all(batch.map((row) => this.#settleOne(row, end)));
    }
  }

  /** One attempt whose files cannot be looked at does not keep the others from being settled: it is tried again. */
  async #settleOne(
    { feed, episode, stage, lock }: LockRow,
    end: (why: string) => AttemptEnd,
  ): Promise<void> {
    try {
      await settle(this.#options, { feed, episode, stage, token: lock.token }, end);
    } catch (error) {
      const isOfOne = error instanceof LibraryError && error.code !== 'offline';
      if (!isOfOne) throw error;
      const reason = error.message;
      this.#options.log.warn({ feed, episode, stage, reason }, 'an attempt cannot be settled yet');
    }
  }

  #receive(message: BusMessage): void {
    const agent = agentOfSubject(message.subject);
    const hello = helloMessage.decode(message.data);
    if (agent === null || !hello.ok) {
      const problem = hello.ok ? 'subject' : hello.error;
      this.#complaints.warn(agent, { problem }, 'a hello cannot be read');
      return;
    }
    const turns = this.#turns.get(agent) ?? { last: Promise.resolve(), waiting: 0 };
    if (turns.waiting >= WAITING_MAX) return;
    turns.waiting += 1;
    turns.last = turns.last
      .then(() => this.#answer(agent, hello.value, message))
      .then(() => {
        turns.waiting -= 1;
        if (turns.waiting === 0) this.#turns.delete(agent);
      });
    this.#turns.set(agent, turns);
  }

  async #answer(agent: AgentId, hello: HelloMessage, message: BusMessage): Promise<void> {
    let reply: HelloReply;
    try {
      reply =
        hello.kind === 'hello'
          ? await this.#welcome(agent, hello)
          : await this.#farewell(agent, hello);
    } catch (error) {
      const reason = error instanceof Error ? error.message : 'unknown';
      this.#complaints.warn(agent, { reason }, 'a hello cannot be answered now');
      reply = { kind: 'refused', reason, final: false };
    }
    const encoded = helloReply.encode(reply);
    if (encoded.ok) message.respond(encoded.value);
  }

  async #welcome(agent: AgentId, hello: Hello): Promise<HelloReply> {
    const refusal = refusalOf(this.#options.putOut?.standing(agent));
    if (refusal !== null) return refusal;
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { record, revision } = await this.#options.store.readSession(agent);
      const decision = decideHello(record, this.#options.store.cluster(), hello.boot);
      if (decision.kind === 'resume' && record !== null)
        return this.#welcomeAs(sessionOf(record, revision));
      if (decision.kind === 'supersede' && record !== null && (await this.#lives(agent, record))) {
        const reason = `an agent called ${agent} is alive on ${record.host}; give this one another id (agent.id)`;
        return { kind: 'refused', reason, final: true };
      }
      const written = await this.#options.store.casSession(this.#begun(agent, hello), revision);
      if (written.kind === 'unknown') throw written.cause;
      if (written.kind === 'conflict') continue;
      // Safety is the token's: no grace for what the older session held.
      await this.closeLeftovers();
      return this.#welcomeAs(written.revision);
    }
    return { kind: 'refused', reason: 'others write this session at the same time', final: false };
  }

  async #farewell(agent: AgentId, goodbye: Goodbye): Promise<HelloReply> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const { record, revision } = await this.#options.store.readSession(agent);
      const session = record === null ? 0 : sessionOf(record, revision);
      if (record === null || session !== goodbye.session || record.state !== 'live')
        return { kind: 'farewell' };
      if (await this.#end(record, revision, goodbye)) return { kind: 'farewell' };
    }
    return { kind: 'refused', reason: 'others write this session at the same time', final: false };
  }

  /** False when somebody else wrote the session first. */
  async #end(record: SessionRecord, revision: number, goodbye: Goodbye): Promise<boolean> {
    const { agent } = record;
    const session = sessionOf(record, revision);
    // What it finished is judged before anything is taken back: a complete manifest is committed by the same look.
    await this.close(agent, session, () => ({
      kind: 'returned',
      reason: goodbye.reason ?? `agent ${agent} said goodbye`,
      retryAfterMs: null,
    }));
    const gone = this.#renewed({ ...record, state: 'gone', session });
    const written = await this.#options.store.casSession(gone, revision);
    if (written.kind === 'unknown') throw written.cause;
    // Something may have been assigned between the two.
    await this.closeLeftovers();
    return written.kind === 'written';
  }

  async #lives(agent: AgentId, record: SessionRecord): Promise<boolean> {
    const ping: CommandMessage = { kind: 'ping', boot: record.boot };
    const encoded = commandMessage.encode(ping);
    if (!encoded.ok) return false;
    try {
      await this.#options.bus.request(commandSubject(agent), encoded.value, { timeoutMs: PING_MS });
      return true;
    } catch {
      return false;
    }
  }

  #welcomeAs(session: number): HelloReply {
    const { heartbeatMs, lostAfterMs, libraryId } = this.#options;
    const cluster = this.#options.store.cluster();
    return {
      kind: 'welcome',
      cluster,
      session: session as SessionId,
      heartbeatMs,
      lostAfterMs,
      library: libraryId,
    };
  }

  #begun(agent: AgentId, { boot, host, version, engine, slots }: Hello): SessionRecord {
    const of = {
      agent,
      state: 'live',
      boot,
      host,
      version,
      engine,
      slots,
      sinceMs: 0,
      session: 0,
    } as const;
    return this.#renewed({
      ...of,
      cluster: this.#options.store.cluster(),
      nonce: this.#options.store.newNonce(),
    });
  }

  #renewed(record: SessionRecord): SessionRecord {
    return {
      ...record,
      nonce: this.#options.store.newNonce(),
      sinceMs: this.#options.clock.wallMs(),
    };
  }
}

/** Who joined a moment ago may be known here a moment later: only a revocation is the last word. */
function refusalOf(standing: Standing = 'in'): HelloReply | null {
  switch (standing) {
    case 'in':
      return null;
    case 'revoked':
      return { kind: 'refused', reason: PUT_OUT, final: true };
    case 'unknown':
      return { kind: 'refused', reason: UNKNOWN, final: false };
    case 'unread':
      return { kind: 'refused', reason: UNREAD, final: false };
  }
}
