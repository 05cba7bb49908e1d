import type { IncomingMessage, ServerResponse } from 'node:http';
import { invariant, type Result } from '@podctl/domain/result.ts';
import { type IssuedMessage, issuedMessage, joinMessage } from '@podctl/platform/enrolment.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import type { RefusalReason } from '../core/byte-access.ts';
import type { Access, JoinRefusal } from '../shell/access.ts';
import type { ByteCallers } from './byte-callers.ts';
import { TransferEnd } from './byte-transfers.ts';
import { bodyOf } from './request-body.ts';

export interface EnrolmentRouteOptions {
  readonly access: Access;
  readonly callers: ByteCallers;
  readonly caPem: string;
  readonly bodyMsMax: number;
  readonly refused: (reason: RefusalReason) => void;
}

/** A join request has about 700 bytes. */
const BODY_BYTES_MAX = 8 * 1024;
const BUSY_RETRY_SECONDS = 5;

const ANSWERS: {
  readonly [K in JoinRefusal['kind']]: { readonly status: number; readonly reason: RefusalReason };
} = {
  denied: { status: 403, reason: 'join_denied' },
  conflict: { status: 409, reason: 'name_taken' },
  busy: { status: 429, reason: 'too_often' },
  away: { status: 503, reason: 'away' },
};

/** How a machine becomes an agent, and stays one. A refusal is a sentence for people, without what was sent. */
export class EnrolmentRoutes {
  readonly #options: EnrolmentRouteOptions;

  constructor(options: EnrolmentRouteOptions) {
    this.#options = options;
  }

  /** `GET /v1/ca`: PEM. Nobody need trust it: the join token names its hash. */
  tellCa(response: ServerResponse): void {
    answer(response, 200, 'application/x-pem-file', this.#options.caPem);
  }

  /** `POST /v1/enrol`. Rejects with `TransferEnd`. */
  async enrol(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = joinMessage.decode(
      await bodyOf(request, this.#options.bodyMsMax, BODY_BYTES_MAX),
    );
    // What does not fit is not repeated: a secret may be in it.
    if (!message.ok) throw new TransferEnd({ status: 400, reason: 'bad_body' });
    const from = request.socket.remoteAddress ?? '';
    this.#tell(response, await this.#options.access.join(message.value, from));
  }

  /** `POST /v1/renew`, by who was judged to be let in. Rejects with `TransferEnd`. */
  async renew(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { agent, tlsKeyPem } = this.#known(request);
    this.#tell(response, await this.#options.access.renew(agent, tlsKeyPem));
  }

  /**
   * `POST /v1/leave`, by who was judged to be let in. Puts out the key that asks and no other: of one that has the name by
   * now it says nothing. Rejects with `TransferEnd`.
   */
  async leave(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { agent, tlsKeySha256 } = this.#known(request);
    try {
      await this.#options.access.revokeAgent(agent, `agent ${agent}`, tlsKeySha256);
    } catch (error) {
      if (!(error instanceof KvUnavailable)) throw error;
      throw new TransferEnd({ ...ANSWERS.away, retryAfterSeconds: BUSY_RETRY_SECONDS });
    }
    answer(response, 200, 'text/plain; charset=utf-8', 'out\n');
  }

  #known({ socket }: IncomingMessage) {
    const known = this.#options.callers.known(socket);
    if (known === null) throw new TransferEnd({ status: 401, reason: 'no_certificate' });
    return known;
  }

  #tell(response: ServerResponse, issued: Result<IssuedMessage, JoinRefusal>): void {
    if (issued.ok) {
      const encoded = issuedMessage.encode(issued.value);
      invariant(encoded.ok, 'what was issued fits its message');
      answer(response, 200, 'application/json', Buffer.from(encoded.value));
      return;
    }
    const { kind, sentence } = issued.error;
    const { status, reason } = ANSWERS[kind];
    this.#options.refused(reason);
    if (kind === 'busy' || kind === 'away')
      response.setHeader('retry-after', String(BUSY_RETRY_SECONDS));
    answer(response, status, 'text/plain; charset=utf-8', `${sentence}\n`);
  }
}

function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Uint8Array,
): void {
  response.writeHead(status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': String(Buffer.byteLength(body)),
    // Who is not let in yet keeps no place that others need.
    connection: 'close',
  });
  response.end(body);
}
