import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerMethodDefinition,
} from '@grpc/grpc-js';
import { mayActAs } from '@podctl/domain/access.ts';
import { invariant } from '@podctl/domain/result.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type RpcRule, rpcRule, rpcRuleFor } from '../core/rpc-roles.ts';
import type { Access, Caller } from '../shell/access.ts';
import type { AuditedCall } from '../shell/audit-log.ts';
import {
  CallLimits,
  limitMessage,
  METADATA_BYTES_MAX,
  type Payer,
  REQUEST_WAIT_MS,
  type Refusal,
} from './call-limits.ts';
import { GatedCall } from './gated-call.ts';
import type { CallRefusal } from './grpc-metrics.ts';
import { codeName, type Failure, failureOf } from './status.ts';
import { UNKNOWN_METHOD } from './unknown-methods.ts';

/** Who may ask what, as one coordinator sees it. */
export interface GateOptions {
  /** Null: nobody is asked who they are, and everybody may do everything. */
  readonly access: Pick<Access, 'authenticate'> | null;
  readonly clock: Clock;
  readonly onCall: (method: string, code: string, seconds: number) => void;
  readonly onBug: (method: string, error: unknown) => void;
  readonly onRefused: (reason: CallRefusal) => void;
  readonly onAudit: (call: AuditedCall) => void;
}

/** A call that may go on, and why. */
export interface Admission {
  readonly method: string;
  readonly caller: Caller;
  /** Null where none was asked for. */
  readonly bearer: string | null;
  readonly from: string;
  readonly rule: RpcRule;
}

const EVERYBODY: Caller = { name: '', role: 'admin' };
const NOBODY: Caller = { name: '', role: 'viewer' };

const bearerPattern = /^bearer +(\S{1,200})$/i;

const NO_TOKEN: Failure = {
  kind: 'unauthenticated',
  reason: 'TOKEN_MISSING',
  message: 'no token came with this call',
  hint: 'give the file that holds yours, by the context or PODCTL_TOKEN_FILE',
};
/** The same for every token that is not good, whatever is wrong with it. */
const BAD_TOKEN: Failure = {
  kind: 'unauthenticated',
  reason: 'TOKEN_INVALID',
  message: 'this token is not valid here',
  hint: 'ask an admin of this fleet for another one',
};

const NO_METHOD: Failure = {
  kind: 'unimplemented',
  message: 'this coordinator has no such method',
  hint: 'ask with a podctl of the version that runs here',
};

/**
 * Judges every call before its handler, first by what it says about itself, before a byte of its request is read, then by
 * its request. It knows of each call that it let through who called, until the call is over.
 */
export class CallGate {
  readonly #options: GateOptions;
  readonly #limits = new CallLimits();
  readonly #admissions = new WeakMap<Metadata, Admission>();
  /** Health checks that run: no handler of ours could end them. */
  readonly #open = new Set<GatedCall>();

  constructor(options: GateOptions) {
    this.#options = options;
  }

  readonly intercept = (
    { path, responseStream }: ServerMethodDefinition<unknown, unknown>,
    call: ServerInterceptingCallInterface,
  ): ServerInterceptingCall => {
    const gated = new GatedCall(path, call, this.#options.onRefused);
    limitMessage(call, rpcRule(path)?.requestBytesMax ?? 0);
    let metadata: Metadata;
    const judged = (judge: () => Refusal | null): boolean => {
      const refusal = this.#judged(gated, judge);
      if (refusal !== null) gated.end(refusal.failure);
      return refusal === null;
    };
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata: (given, pass) => {
            metadata = given;
            if (judged(() => this.#admit(gated, responseStream, given))) pass(given);
          },
          onReceiveMessage: (request: unknown, pass) => {
            gated.arrived();
            if (judged(() => this.#judgeRequest(path, metadata, request))) pass(request);
          },
          onCancel: () => {
            this.#open.delete(gated);
            gated.over();
          },
        }),
      sendStatus: (given, pass) => pass(gated.answered(given)),
    });
  };

  /** Of a call that was let through. */
  admissionOf(metadata: Metadata): Admission {
    const admission = this.#admissions.get(metadata);
    invariant(admission !== undefined, 'only calls that were let through reach a handler');
    return admission;
  }

  /** Why a call that runs must end; null: it may go on. */
  whyEnded({ bearer, rule }: Admission): Failure | null {
    const { access } = this.#options;
    if (bearer === null || access === null) return null;
    const caller = access.authenticate(bearer);
    return caller === null ? BAD_TOKEN : tooLittle(caller, rule);
  }

  /** Ends the health checks that run. */
  endOpen(reason: Failure): void {
    for (const gated of this.#open) gated.end(reason);
  }

  /** A call that was let through is over. */
  ended({ method, caller, from, rule }: Admission, code: string): void {
    if (!rule.audited) return;
    const { name, role } = caller;
    this.#options.onAudit({ method, name, role, from, code, refused: false });
  }

  #judged(gated: GatedCall, judge: () => Refusal | null): Refusal | null {
    let refusal: Refusal | null;
    try {
      refusal = judge();
    } catch (error) {
      this.#options.onBug(gated.method, error);
      return { reason: 'forbidden', failure: failureOf(error) };
    }
    if (refusal !== null) this.#tellRefusal(gated, refusal);
    return refusal;
  }

  #tellRefusal(gated: GatedCall, { reason, failure }: Refusal): void {
    const { onCall, onRefused, onAudit } = this.#options;
    const { method, from, caller } = gated;
    const code = codeName(failure);
    onRefused(reason);
    onCall(method, code, 0);
    const { name, role } = caller ?? { name: '', role: null };
    onAudit({ method, name, role, from, code, refused: true });
  }

  #admit(gated: GatedCall, isStream: boolean, metadata: Metadata): Refusal | null {
    const { access } = this.#options;
    const rule = rpcRule(gated.path);
    if (rule === null) return this.#closed(gated);
    if (bytesOf(metadata) > METADATA_BYTES_MAX)
      return {
        reason: 'metadata_size',
        failure: {
          kind: 'exhausted',
          reason: 'REQUEST_TOO_LARGE',
          message: 'the metadata of this call is too large',
          hint: `give ${METADATA_BYTES_MAX} bytes at most`,
        },
      };
    const login =
      access === null ? { caller: EVERYBODY, bearer: null } : this.#login(rule, metadata);
    // What may log or pass on metadata from here on has no use for it.
    metadata.remove('authorization');
    const { method, from } = gated;
    if ('kind' in login) return this.#failedLogin(from, login);
    const { caller, bearer } = login;
    if (rule.needs === 'open') this.#open.add(gated);
    else gated.caller = caller;
    if (access !== null) {
      const refusal = this.#limit(gated, rule, isStream) ?? refusalOf(tooLittle(caller, rule));
      if (refusal !== null) return refusal;
    }
    this.#admissions.set(metadata, { method, caller, bearer, from, rule });
    return null;
  }

  /** Nobody may call it, or it is not there. */
  #closed({ path, from }: GatedCall): Refusal {
    if (path !== UNKNOWN_METHOD) return forbidden('this is open to nobody');
    return this.#options.access === null
      ? { reason: 'forbidden', failure: NO_METHOD }
      : this.#failedLogin(from, NO_METHOD, 'forbidden');
  }

  #login(
    rule: RpcRule,
    metadata: Metadata,
  ): Failure | { readonly caller: Caller; readonly bearer: string | null } {
    if (rule.needs === 'open') return { caller: NOBODY, bearer: null };
    const values = metadata.get('authorization');
    const [value] = values;
    if (value === undefined) return NO_TOKEN;
    const bearer = values.length === 1 ? bearerPattern.exec(String(value))?.[1] : undefined;
    const caller =
      bearer === undefined ? null : (this.#options.access?.authenticate(bearer) ?? null);
    return bearer === undefined || caller === null ? BAD_TOKEN : { caller, bearer };
  }

  #failedLogin(from: string, failure: Failure, reason: CallRefusal = 'unauthenticated'): Refusal {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#limits.overFailedLogins(from, nowMs) ?? { reason, failure };
  }

  #limit(gated: GatedCall, rule: RpcRule, isStream: boolean): Refusal | null {
    const { clock } = this.#options;
    const payer: Payer =
      rule.needs === 'open'
        ? { kind: 'peer', key: gated.from }
        : { kind: 'person', key: gated.caller?.name ?? '' };
    const tooOften = this.#limits.overRate(payer, clock.monotonicMs());
    if (tooOften !== null) return tooOften;
    const begun = this.#limits.begin(payer, isStream);
    if (typeof begun !== 'function') return begun;
    gated.onOver(begun);
    const waited = clock.sleep(REQUEST_WAIT_MS, gated.waiting);
    waited.then(
      () => {
        const message = `the request did not arrive within ${REQUEST_WAIT_MS / 1_000} s: send it again`;
        const refusal: Refusal = {
          reason: 'message_time',
          failure: { kind: 'exhausted', message },
        };
        this.#tellRefusal(gated, refusal);
        gated.end(refusal.failure);
      },
      () => undefined,
    );
    return null;
  }

  /** Anew and in full: it may have come long after its head. */
  #judgeRequest(path: string, metadata: Metadata, request: unknown): Refusal | null {
    const admission = this.admissionOf(metadata);
    const rule = rpcRuleFor(path, request) ?? admission.rule;
    const now = { ...admission, rule };
    this.#admissions.set(metadata, now);
    if (rule.needs === 'open' && !asksForWholeServer(request))
      return {
        reason: 'message_form',
        failure: {
          kind: 'not_found',
          message: 'no service of that name is known here: ask with an empty name',
        },
      };
    return refusalOf(this.whyEnded(now));
  }
}

function tooLittle(caller: Caller, { needs }: RpcRule): Failure | null {
  if (needs === 'open' || mayActAs(caller.role, needs)) return null;
  return {
    kind: 'forbidden',
    reason: 'ROLE_TOO_LOW',
    message: `this needs the role ${needs}, and yours is ${caller.role}`,
    hint: 'ask an admin of this fleet',
  };
}

function refusalOf(failure: Failure | null): Refusal | null {
  if (failure === null) return null;
  const reason = failure.kind === 'unauthenticated' ? 'unauthenticated' : 'forbidden';
  return { reason, failure };
}

function forbidden(message: string): Refusal {
  return { reason: 'forbidden', failure: { kind: 'forbidden', message } };
}

function asksForWholeServer(request: unknown): boolean {
  const names = typeof request === 'object' && request !== null && 'service' in request;
  return names && request.service === '';
}

function bytesOf(metadata: Metadata): number {
  let bytes = 0;
  for (const [key, values] of Object.entries(metadata.toJSON()))
    bytes += key.length + String(values).length;
  return bytes;
}
