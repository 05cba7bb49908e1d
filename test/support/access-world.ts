import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { type JoinToken, parseJoinToken } from '@podctl/domain/join-token.ts';
import { BUCKETS } from '@podctl/domain/key.ts';
import { type Authority, ensureAuthority } from '@podctl/platform/authority/authority.ts';
import { type Clock, systemClock } from '@podctl/platform/clock.ts';
import type { JoinMessage } from '@podctl/platform/enrolment.ts';
import {
  joinRequest,
  type MachineKeys,
  makeMachineKeys,
} from '@podctl/platform/enrolment-client-issue.ts';
import type { Service } from '@podctl/platform/service.ts';
import { MemoryNats } from '@podctl/platform/twin/memory-nats.ts';
import { AccessBook } from '../../apps/coordinator/src/shell/access-book.ts';
import { AccessDesk } from '../../apps/coordinator/src/shell/access-desk.ts';
import { type AuditAction, AuditLog } from '../../apps/coordinator/src/shell/audit-log.ts';

/** Whom coordinators let in, on a memory twin of NATS, with real keys. */
export class AccessWorld {
  readonly authority: Authority;
  readonly nats: MemoryNats;
  /** Everything that was logged. */
  readonly lines: string[] = [];
  readonly counted: AuditAction[] = [];
  /** By which its clocks are ahead of this machine's. */
  aheadMs = 0;
  /** Agents that are there now. */
  readonly live = new Set<AgentId>();
  coordinators = ['https://head.example.org:4803'];
  readonly clock: Clock = {
    ...systemClock,
    wallMs: () => systemClock.wallMs() + this.aheadMs,
    monotonicMs: () => systemClock.monotonicMs() + this.aheadMs,
  };
  readonly log = {
    debug: this.#say('debug'),
    info: this.#say('info'),
    warn: this.#say('warn'),
    error: this.#say('error'),
  };
  readonly #folder: string;
  readonly #services: Service[] = [];

  private constructor(folder: string, authority: Authority) {
    this.#folder = folder;
    this.authority = authority;
    const onError = (error: unknown) => {
      throw error;
    };
    this.nats = new MemoryNats(systemClock, { onError });
  }

  static async start(): Promise<AccessWorld> {
    const folder = await mkdtemp(join(tmpdir(), 'podctl-access-'));
    return new AccessWorld(folder, await ensureAuthority(join(folder, 'authority'), Date.now()));
  }

  async stop(): Promise<void> {
    for (const service of this.#services.reverse()) await service.stop();
    this.nats.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** One coordinator's desk, and what it follows. */
  async desk(name = 'one') {
    const { clock, log, authority } = this;
    const client = this.nats.client(name);
    const kv = client.kv(BUCKETS.access);
    const book = new AccessBook(kv);
    const audit = new AuditLog(log, clock, (action) => this.counted.push(action));
    const desk = new AccessDesk({
      ...{ authority, kv, book, audit, clock, log },
      place: () => ({
        natsServers: ['tls://head.example.org:4222'],
        coordinators: this.coordinators,
      }),
      isLive: (agent) => this.live.has(agent),
      isRefused: async () => true,
    });
    for (const service of [book, desk]) {
      this.#services.push(service);
      await service.start();
    }
    return { desk, book, audit, client, kv };
  }

  #say(level: string) {
    return (fields: object, message: string) => {
      this.lines.push(JSON.stringify({ level, ...fields, message }));
    };
  }
}

export function agentNamed(name: string): AgentId {
  const id = agentId(name);
  if (!id.ok) throw new Error(id.error);
  return id.value;
}

export function tokenIn(text: string): JoinToken {
  const token = parseJoinToken(text);
  if (!token.ok) throw new Error(token.error);
  return token.value;
}

/** What a machine with these keys sends. */
export function asked(
  text: string,
  name: string,
  keys: MachineKeys = makeMachineKeys(),
): JoinMessage {
  return joinRequest(tokenIn(text), agentNamed(name), keys);
}

export function randomSecret(): string {
  return randomBytes(20)
    .toString('hex')
    .replace(/[0189]/g, 'a')
    .slice(0, 32);
}
