import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { type AgentId, agentId } from '@podctl/domain/ids.ts';
import { agentNameIn, keySha256 } from '@podctl/platform/authority/certificates.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type ByteRefusal, judgeShown, type Shown } from '../core/byte-access.ts';
import type { Access } from '../shell/access.ts';
import type { AuditLog } from '../shell/audit-log.ts';

export interface ByteCallerOptions {
  readonly access: Access;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

interface KnownCaller {
  readonly agent: AgentId;
  /** SPKI. */
  readonly tlsKeyPem: string;
  readonly tlsKeySha256: string;
}

/** Who is at the other end of a connection, by its client certificate and what is known of that agent now. */
export class ByteCallers {
  readonly #options: ByteCallerOptions;
  /** A certificate does not change while its connection lives. */
  readonly #shown = new WeakMap<Socket, Shown>();

  constructor(options: ByteCallerOptions) {
    this.#options = options;
  }

  /** Null: it is an agent that is let in. */
  judge(socket: Socket): ByteRefusal | null {
    const { access, clock } = this.#options;
    const shown = this.#shownBy(socket);
    const record = shown.kind === 'agent' ? access.credential(shown.agent) : null;
    return judgeShown(shown, record, clock.wallMs());
  }

  /** The agent, and its public key for TLS; only of who was judged to be let in. */
  known(socket: Socket): KnownCaller | null {
    const shown = this.#shownBy(socket);
    const certificate = certificateOf(socket);
    if (shown.kind !== 'agent' || certificate === null) return null;
    const pem = certificate.publicKey.export({ type: 'spki', format: 'pem' });
    return { agent: shown.agent, tlsKeyPem: pem.toString(), tlsKeySha256: shown.keySha256 };
  }

  noteRefused(socket: Socket, { reason }: ByteRefusal): void {
    const shown = this.#shownBy(socket);
    const from = socket.remoteAddress ?? '';
    const of = shown.kind === 'agent' ? { agent: shown.agent } : {};
    this.#options.audit.note('credential_refused', { from, reason, ...of });
  }

  #shownBy(socket: Socket): Shown {
    const known = this.#shown.get(socket) ?? shownBy(socket);
    this.#shown.set(socket, known);
    return known;
  }
}

function shownBy(socket: Socket): Shown {
  const certificate = certificateOf(socket);
  if (certificate === null) return { kind: 'nothing' };
  // Checked by its chain, its time and its use when the connection was made.
  const isTrusted = socket instanceof TLSSocket && socket.authorized;
  const agent = agentId(agentNameIn(certificate) ?? '');
  if (!isTrusted || !agent.ok) return { kind: 'untrusted' };
  return { kind: 'agent', agent: agent.value, keySha256: keySha256(certificate) };
}

function certificateOf(socket: Socket): X509Certificate | null {
  return (socket instanceof TLSSocket && socket.getPeerX509Certificate()) || null;
}
