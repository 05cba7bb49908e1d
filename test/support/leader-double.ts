import {
  agentId,
  type ClusterId,
  clusterIdFrom,
  isSession,
  nonceFrom,
  type SessionId,
} from '@podctl/domain/ids.ts';
import {
  commandSubject,
  heartbeatSubject,
  helloSubject,
  resultSubject,
} from '@podctl/domain/key.ts';
import type {
  CommandMessage,
  HeartbeatMessage,
  HelloMessage,
  JobToken,
  ResultMessage,
  ResultReply,
  Work,
} from '@podctl/domain/protocol.ts';
import { invariant, type Result } from '@podctl/domain/result.ts';
import type { Bus } from '@podctl/platform/bus.ts';
import {
  type Codec,
  commandMessage,
  heartbeatMessage,
  helloMessage,
  helloReply,
  resultMessage,
  resultReply,
} from '@podctl/platform/wire.ts';

/** A leader for tests: it speaks the protocol, keeps what it heard, and answers as the test says. */
export class LeaderDouble {
  cluster: ClusterId = clusterIdFrom(new Uint8Array(10).fill(7));
  session = sessionOf(100);
  readonly ticket = nonceFrom(new Uint8Array(10).fill(8));
  /** What a result is answered. */
  verdict: (message: ResultMessage) => ResultReply = () => ({
    kind: 'verdict',
    answer: 'accepted',
  });
  /** The id that it says its library has. */
  library: string;
  readonly hellos: HelloMessage[] = [];
  readonly heartbeats: HeartbeatMessage[] = [];
  readonly results: ResultMessage[] = [];
  readonly #bus: Bus;
  readonly #heard = new Set<() => void>();

  constructor(bus: Bus, library: string) {
    this.#bus = bus;
    this.library = library;
    bus.subscribe(helloSubject('*'), (message) => {
      const hello = decoded(helloMessage, message.data);
      this.hellos.push(hello);
      if (hello.kind === 'goodbye') message.respond(bytes(helloReply, { kind: 'farewell' }));
      else {
        // A new process has a new session.
        if (this.#boots().size > 1) this.session = sessionOf(99 + this.#boots().size);
        const { cluster, session } = this;
        const limits = { heartbeatMs: 100, lostAfterMs: 30_000, library: this.library };
        message.respond(bytes(helloReply, { kind: 'welcome', cluster, session, ...limits }));
      }
      this.#tell();
    });
    bus.subscribe(heartbeatSubject('*'), ({ data }) => {
      this.heartbeats.push(decoded(heartbeatMessage, data));
      this.#tell();
    });
    bus.subscribe(resultSubject('*'), (message) => {
      const result = decoded(resultMessage, message.data);
      this.results.push(result);
      message.respond(bytes(resultReply, this.verdict(result)));
      this.#tell();
    });
  }

  start(job: JobToken, work: Work): void {
    const { cluster, session, ticket } = this;
    this.send({ kind: 'start', cluster, session, job, work, ticket });
  }

  cancel(job: JobToken, reason: string): void {
    this.send({ kind: 'cancel', cluster: this.cluster, session: this.session, job, reason });
  }

  send(command: CommandMessage): void {
    const agent = agentId('local');
    invariant(agent.ok, 'an agent id');
    this.#bus.publish(commandSubject(agent.value), bytes(commandMessage, command));
  }

  /** The first value that is not null, looked for now and at everything heard. */
  async until<T>(look: () => T | null): Promise<T> {
    const { promise, resolve } = Promise.withResolvers<T>();
    const check = () => {
      const found = look();
      if (found !== null) resolve(found);
    };
    this.#heard.add(check);
    check();
    try {
      return await promise;
    } finally {
      this.#heard.delete(check);
    }
  }

  welcomed(count = 1): Promise<true> {
    return this.until(() => (this.#boots().size >= count && this.#beats() ? true : null));
  }

  result(job: JobToken): Promise<ResultMessage> {
    return this.until(() => this.results.find((result) => result.job.token === job.token) ?? null);
  }

  #boots(): Set<string> {
    return new Set(this.hellos.flatMap((hello) => (hello.kind === 'hello' ? [hello.boot] : [])));
  }

  #beats(): boolean {
    return this.heartbeats.at(-1)?.session === this.session;
  }

  #tell(): void {
    for (const check of [...this.#heard]) check();
  }
}

export function sessionOf(n: number): SessionId {
  invariant(isSession(n), 'a session');
  return n;
}

function decoded<T>(codec: Codec<T>, data: Uint8Array): T {
  return must(codec.decode(data));
}

function bytes<T>(codec: Codec<T>, message: T): Uint8Array {
  return must(codec.encode(message));
}

function must<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(result.error);
  return result.value;
}
