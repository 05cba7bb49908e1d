import { type AgentCredential, tlsOptionsOf } from '@podctl/platform/agent-credential.ts';
import { Dispatcher, Agent as HttpAgent } from 'undici';

const CONNECT_MS_MAX = 15_000;

/**
 * Connections to podctl's own coordinators, which may well have private addresses. With a credential both sides prove who
 * they are, by the newest certificate; what is under way when it is renewed ends on the connection that it has.
 */
export class ByteDispatcher extends Dispatcher {
  #current: HttpAgent;
  /** Those of former credentials, until their connections are idle and end. */
  readonly #leaving = new Set<HttpAgent>();

  /** @param credential null: plain HTTP, on this machine. */
  constructor(credential: AgentCredential | null) {
    super();
    this.#current = agentWith(credential);
  }

  /** For every request from now on. */
  use(credential: AgentCredential): void {
    const former = this.#current;
    this.#current = agentWith(credential);
    this.#leaving.add(former);
    // Not `close`: what it waits for could not be broken off any more (undici 8.12).
    const look = () => {
      if (!isIdle(former) || !this.#leaving.delete(former)) return;
      void former.destroy();
    };
    former.on('disconnect', look);
    look();
  }

  /** How many former credentials still have connections. */
  get leaving(): number {
    return this.#leaving.size;
  }

  override dispatch(
    options: Dispatcher.DispatchOptions,
    handler: Dispatcher.DispatchHandler,
  ): boolean {
    return this.#current.dispatch(options, handler);
  }

  /** Breaks off whatever is under way. Safe twice. */
  async stop(): Promise<void> {
    await Promise.all([this.#current, ...this.#leaving].map((agent) => agent.destroy()));
  }
}

function isIdle({ stats }: HttpAgent): boolean {
  return Object.values(stats).every(
    ({ connected, pending = 0, running }) => connected === 0 && pending + running === 0,
  );
}

function agentWith(credential: AgentCredential | null): HttpAgent {
  const tls = credential === null ? {} : tlsOptionsOf(credential);
  return new HttpAgent({ connect: { ...tls, timeout: CONNECT_MS_MAX } });
}
