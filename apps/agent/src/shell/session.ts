import type { Gpu } from '@podctl/domain/gpu.ts';
import type { AgentId, ClusterId, SessionId } from '@podctl/domain/ids.ts';
import {
  commandSubject,
  heartbeatSubject,
  helloSubject,
  ROLL_CALL_SUBJECT,
} from '@podctl/domain/key.ts';
import type { CommandMessage, HelloReply, JobToken, TokenReport } from '@podctl/domain/protocol.ts';
import type { Result } from '@podctl/domain/result.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import type { Slots } from '@podctl/domain/session.ts';
import type { Bus, BusMessage, BusSubscription } from '@podctl/platform/bus.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import {
  commandMessage,
  heartbeatMessage,
  helloMessage,
  helloReply,
  TOKENS_PER_MESSAGE_MAX,
} from '@podctl/platform/wire.ts';
import type { AgentInput } from '../core/agent-state.ts';

const HELLO_MS_MAX = 5_000;
const HELLO_BACKOFF = { backoffFirstMs: 500, backoffMaxMs: 10_000 };
const GOODBYE_MS_MAX = 2_000;
const HEARTBEAT_FIRST_MS = 5_000;

/** Who this process is, as it says in its hello. */
export interface AgentIdentity {
  readonly agent: AgentId;
  /** Random, made when the process starts. */
  readonly boot: string;
  readonly host: string;
  readonly version: string;
  readonly engine: string;
  readonly slots: Slots;
}

export interface SessionPorts {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly identity: AgentIdentity;
  /** What the next heartbeat says; null when there is no session to speak for. */
  readonly pulse: () => Pulse | null;
  readonly input: (input: AgentInput) => void;
  readonly bandwidthShare?: (bytesPerSecond: number | null) => void;
  /** Called with the library's id of each welcome, before its input. */
  /** There is a new leader. */
  readonly rollCalled: () => void;
  readonly welcomed: (reply: Extract<HelloReply, { kind: 'welcome' }>) => void;
}

export interface Pulse {
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly tokens: readonly TokenReport[];
  readonly engine: string;
  readonly problem: string | null;
  readonly draining: boolean;
  /** How many transcriptions may be held beyond the slots. */
  readonly ahead?: number;
  /** Left out where nobody looks. */
  readonly gpus?: readonly Gpu[];
  readonly gpuProblem?: string | null;
  readonly engineChoice?: string;
}

/** The agent's side of its session with the leader: what is said and heard, not what is decided. */
export class SessionLink {
  readonly #ports: SessionPorts;
  readonly #stopping = new AbortController();
  readonly #subscriptions: BusSubscription[] = [];
  #helloing = new AbortController();
  readonly #loops = new Set<Promise<void>>();
  #heartbeatMs = HEARTBEAT_FIRST_MS;
  #sequence = 0;
  /** Ends the wait for the next heartbeat. */
  #beatNow = new AbortController();

  constructor(ports: SessionPorts) {
    this.#ports = ports;
  }

  start(): void {
    const { bus, identity } = this.#ports;
    this.#subscriptions.push(
      bus.subscribe(commandSubject(identity.agent), (message) => this.#command(message)),
      bus.subscribe(ROLL_CALL_SUBJECT, () => this.#rollCalled()),
    );
    this.#keep(this.#heartbeats());
  }

  #rollCalled(): void {
    this.beat();
    this.#ports.rollCalled();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#helloing.abort();
    for (const subscription of this.#subscriptions.splice(0)) subscription.stop();
    await Promise.all(this.#loops);
  }

  /** Says hello until it is answered for good. A hello under way gives way to this one. */
  hello(cluster: ClusterId | null): void {
    this.#helloing.abort();
    if (this.#stopping.signal.aborted) return;
    this.#helloing = new AbortController();
    this.#keep(this.#hello(cluster, this.#helloing.signal));
  }

  /** Resolves when it was answered, or nobody did in 2 s. Never rejects. */
  async goodbye(
    cluster: ClusterId,
    session: SessionId,
    finished: readonly JobToken[],
    reason: string,
  ): Promise<void> {
    this.#helloing.abort();
    const { boot } = this.#ports.identity;
    const listed = finished.slice(0, TOKENS_PER_MESSAGE_MAX);
    const message = helloMessage.encode({
      kind: 'goodbye',
      boot,
      cluster,
      session,
      finished: listed,
      reason,
    });
    const reply = await this.#request(message, GOODBYE_MS_MAX, this.#stopping.signal);
    if (reply.kind === 'refused')
      this.#ports.log.warn({}, `The goodbye was not answered: ${reply.reason}`);
  }

  /** Sends a heartbeat now. */
  beat(): void {
    const { bus, identity, log } = this.#ports;
    const pulse = this.#ports.pulse();
    if (pulse === null) return;
    const tokens = pulse.tokens.slice(0, TOKENS_PER_MESSAGE_MAX);
    this.#sequence += 1;
    const { boot } = identity;
    const encoded = heartbeatMessage.encode({ boot, ...pulse, tokens, sequence: this.#sequence });
    if (encoded.ok) bus.publish(heartbeatSubject(identity.agent), encoded.value);
    else log.error({}, encoded.error);
  }

  #command(message: BusMessage): void {
    const decoded = commandMessage.decode(message.data);
    if (!decoded.ok) {
      this.#ports.log.warn({}, decoded.error);
      return;
    }
    const command = decoded.value;
    if (command.kind === 'bandwidth') this.#share(command);
    else if (command.kind !== 'ping') this.#ports.input({ kind: 'command', command });
    else if (command.boot === this.#ports.identity.boot) message.respond(new Uint8Array(0));
  }

  /** Of this session only: another leader, or another life, may have shared it out otherwise. */
  #share({ session, bytesPerSecond }: Extract<CommandMessage, { kind: 'bandwidth' }>): void {
    if (this.#ports.pulse()?.session === session) this.#ports.bandwidthShare?.(bytesPerSecond);
  }

  #keep(loop: Promise<void>): void {
    this.#loops.add(loop);
    void loop.finally(() => this.#loops.delete(loop));
  }

  async #heartbeats(): Promise<void> {
    const { clock } = this.#ports;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#beatNow = new AbortController();
      const wake = AbortSignal.any([signal, this.#beatNow.signal]);
      await clock.sleep(this.#heartbeatMs, wake).catch(() => undefined);
      if (!signal.aborted) this.beat();
    }
  }

  async #hello(cluster: ClusterId | null, signal: AbortSignal): Promise<void> {
    const { clock, random, log, identity } = this.#ports;
    const { boot, host, version, engine, slots } = identity;
    const message = helloMessage.encode({
      kind: 'hello',
      boot,
      cluster,
      host,
      version,
      engine,
      slots,
    });
    for (let tries = 1; !signal.aborted; tries += 1) {
      const reply = await this.#request(message, HELLO_MS_MAX, signal);
      if (signal.aborted) return;
      if (reply.kind === 'welcome') return this.#welcome(reply);
      if (reply.kind === 'refused' && reply.final)
        return this.#ports.input({ kind: 'refused', reason: reply.reason });
      const reason = reply.kind === 'refused' ? reply.reason : 'it was taken for a goodbye';
      const waitMs = backoffMs(tries, HELLO_BACKOFF, random());
      log.info({ tries, waitMs }, `Not welcomed yet: ${reason}`);
      await clock.sleep(waitMs, signal).catch(() => undefined);
    }
  }

  #welcome(reply: Extract<HelloReply, { kind: 'welcome' }>): void {
    const { cluster, session, heartbeatMs } = reply;
    this.#heartbeatMs = heartbeatMs;
    this.#ports.welcomed(reply);
    this.#ports.input({ kind: 'welcomed', cluster, session });
    this.#beatNow.abort();
  }

  /** No answer, or none that can be read, is a refusal that is not final. */
  async #request(
    message: Result<Uint8Array, string>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<HelloReply> {
    const refused = (reason: string): HelloReply => ({ kind: 'refused', reason, final: false });
    if (!message.ok) return refused(message.error);
    try {
      const subject = helloSubject(this.#ports.identity.agent);
      const data = await this.#ports.bus.request(subject, message.value, { timeoutMs, signal });
      const reply = helloReply.decode(data);
      return reply.ok ? reply.value : refused(reply.error);
    } catch (error) {
      return refused(sentence(error));
    }
  }
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
