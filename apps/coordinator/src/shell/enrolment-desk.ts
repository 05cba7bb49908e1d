import { createHash, createPublicKey } from 'node:crypto';
import {
  CREDENTIAL_LIFE_MS,
  type CredentialRecord,
  isKeyOfAnother,
  type JoinTokenRecord,
  judgeCredential,
  judgeJoin,
  judgeName,
  NAME_REFUSALS,
  type NameRefusal,
  succeed,
  TOKEN_REFUSALS,
  type TokenRefusal,
  withUse,
} from '@podctl/domain/access.ts';
import type { AgentId } from '@podctl/domain/ids.ts';
import { credentialKey, tokenKey } from '@podctl/domain/key.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { credentialRecord, joinTokenRecord } from '@podctl/platform/access-records.ts';
import type { Authority } from '@podctl/platform/authority/authority.ts';
import { issueForAgent } from '@podctl/platform/authority/certificates.ts';
import { agentJwt, isSignedBy } from '@podctl/platform/authority/nats-claims.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import { type IssuedMessage, type JoinMessage, joinClaim } from '@podctl/platform/enrolment.ts';
import { KvUnavailable } from '@podctl/platform/kv.ts';
import type { JoinRefusal } from './access.ts';
import type { AccessBook } from './access-book.ts';
import type { AccessLimits } from './access-limits.ts';
import type { AccessRecords } from './access-records.ts';
import { isSecretOf } from './access-secret.ts';
import type { AuditLog } from './audit-log.ts';

export interface EnrolmentOptions {
  readonly authority: Authority;
  readonly records: AccessRecords;
  readonly book: Pick<AccessBook, 'credentials'>;
  readonly limits: AccessLimits;
  readonly audit: AuditLog;
  readonly clock: Clock;
  /** Whether an agent of this name is there now. */
  readonly isLive: (agent: AgentId) => boolean;
  /** Where agents find the fleet; asked each time. */
  readonly place: () => Pick<IssuedMessage, 'natsServers' | 'coordinators'>;
}

interface Keys {
  readonly agent: AgentId;
  readonly natsKey: string;
  /** SPKI in PEM, as we write it. */
  readonly tlsKeyPem: string;
}

type Answer = Result<IssuedMessage, JoinRefusal>;

const BUSY: JoinRefusal = {
  kind: 'busy',
  sentence: 'too much was asked in a short time: ask again in a little while',
};
const AWAY: JoinRefusal = {
  kind: 'away',
  sentence:
    'the coordinator does not reach the records of the fleet now: ask again in a little while',
};
const NO_PROOF: JoinRefusal = {
  kind: 'denied',
  sentence: 'the proof is not by the key that is to be let in: join with the podctl of this fleet',
};
const NO_KEY: JoinRefusal = {
  kind: 'denied',
  sentence: 'the key for TLS is not an EC P-256 public key: join with the podctl of this fleet',
};
const NOT_RENEWED: JoinRefusal = {
  kind: 'denied',
  sentence: 'this credential is not to be renewed: join anew with a fresh token',
};

/** Lets machines in for a join token, and gives those that are in a new credential before theirs is over. */
export class EnrolmentDesk {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  async join(request: JoinMessage, from: string): Promise<Answer> {
    const { limits, audit } = this.#options;
    const { agent, tokenId: token_id } = request;
    const answer = limits.mayJoin(from)
      ? await unlessAway(() => this.#join(request, from))
      : err(BUSY);
    if (!answer.ok)
      audit.note('token_refused', { from, agent, token_id, reason: answer.error.sentence });
    return answer;
  }

  async renew(agent: AgentId, tlsKeyPem: string): Promise<Answer> {
    const { limits, audit } = this.#options;
    const answer = limits.mayRenew(agent)
      ? await unlessAway(() => this.#renew(agent, tlsKeyPem))
      : err(BUSY);
    if (answer.ok) audit.note('credential_renewed', { agent });
    else audit.note('credential_refused', { agent, reason: answer.error.sentence });
    return answer;
  }

  async #join(request: JoinMessage, from: string): Promise<Answer> {
    const { audit, clock } = this.#options;
    const { agent, natsKey, tokenId } = request;
    if (!this.#options.limits.mayShowSecret(tokenId)) return err(BUSY);
    const token = await this.#tokenOf(request);
    if (token === null) return err(deniedBy('unknown'));
    const tlsKeyPem = p256KeyIn(request.tlsKeyPem);
    if (tlsKeyPem === null) return err(NO_KEY);
    if (!isSignedBy(natsKey, joinClaim(request), Buffer.from(request.proof, 'base64')))
      return err(NO_PROOF);
    // Before any name is looked at: who has a token that is over learns nothing about names.
    const tokenRefusal = judgeJoin(token, agent, natsKey, clock.wallMs());
    if (tokenRefusal !== null) return err(deniedBy(tokenRefusal));
    // Before a use of the token is taken for nothing.
    const name = await this.#judgeName(agent, natsKey);
    if (name !== null) return err(conflictBy(name));
    const refusal = await this.#takeUse(tokenId, agent, natsKey);
    if (refusal !== null) return err(deniedBy(refusal));
    audit.note('token_used', { from, agent, token_id: tokenId });
    const issued = await this.#issueTo({ agent, natsKey, tlsKeyPem }, tokenId);
    if (issued.ok) audit.note('credential_made', { from, agent, token_id: tokenId });
    return issued;
  }

  async #judgeName(agent: AgentId, natsKey: string): Promise<NameRefusal | null> {
    const { records, book, clock, isLive } = this.#options;
    if (isKeyOfAnother(book.credentials(), agent, natsKey)) return 'key_of_another';
    const { record } = await records.read(credentialKey(agent), credentialRecord);
    // One that a coordinator's own machine runs has no record.
    if (record === null && isLive(agent)) return 'works_here';
    return judgeName(record, natsKey, clock.wallMs());
  }

  /** Null unless the secret is that of the token. */
  async #tokenOf({ tokenId, secret }: JoinMessage): Promise<JoinTokenRecord | null> {
    const { records, limits } = this.#options;
    const { record } = await records.read(tokenKey(tokenId), joinTokenRecord);
    const isRight = isSecretOf(secret, record?.secretSha256 ?? null);
    // Made up ids are not remembered: nobody can learn anything about them.
    if (!isRight && record !== null) limits.noteWrongSecret(tokenId);
    return isRight ? record : null;
  }

  /** Of a one-use token exactly one of two machines gets it: the CAS decides. */
  async #takeUse(id: string, agent: AgentId, natsKey: string): Promise<TokenRefusal | null> {
    const { records, clock } = this.#options;
    let refusal: TokenRefusal | null = 'unknown';
    await records.change(tokenKey(id), joinTokenRecord, (record) => {
      refusal = record === null ? 'unknown' : judgeJoin(record, agent, natsKey, clock.wallMs());
      if (record === null || refusal !== null) return null;
      const used = withUse(record, agent, natsKey);
      return used === record ? null : used;
    });
    return refusal;
  }

  async #issueTo(keys: Keys, tokenId: string): Promise<Answer> {
    const { records } = this.#options;
    const { record, message } = await this.#make(keys, tokenId);
    let refusal: NameRefusal | null = null;
    await records.change(credentialKey(keys.agent), credentialRecord, (before) => {
      refusal = judgeName(before, keys.natsKey, record.issuedMs);
      return refusal === null ? succeed(before, record) : null;
    });
    return refusal === null ? ok(message) : err(conflictBy(refusal));
  }

  async #renew(agent: AgentId, tlsKeyPem: string): Promise<Answer> {
    const { records, clock } = this.#options;
    const key = p256KeyIn(tlsKeyPem);
    if (key === null) return err(NOT_RENEWED);
    const { record: known } = await records.read(credentialKey(agent), credentialRecord);
    const isGood = (found: CredentialRecord | null) =>
      judgeCredential(found, spkiSha256(key), clock.wallMs()) === null &&
      found?.natsKey === known?.natsKey;
    if (known === null || !isGood(known)) return err(NOT_RENEWED);
    const keys = { agent, natsKey: known.natsKey, tlsKeyPem: key };
    const { record, message } = await this.#make(keys, known.tokenId);
    // Whoever was put out in between is out.
    let stays = true;
    await records.change(credentialKey(agent), credentialRecord, (found) => {
      stays = isGood(found);
      return stays ? succeed(found, record) : null;
    });
    return stays ? ok(message) : err(NOT_RENEWED);
  }

  async #make({ agent, natsKey, tlsKeyPem }: Keys, tokenId: string) {
    const { authority, clock, place } = this.#options;
    const fromMs = clock.wallMs();
    const expiresMs = fromMs + CREDENTIAL_LIFE_MS;
    const natsJwt = await agentJwt(authority.nats, agent, natsKey, expiresMs);
    const validity = { fromMs, toMs: expiresMs };
    const tlsCertPem = await issueForAgent(authority.ca, agent, tlsKeyPem, validity);
    // Not before the moment in the JWT: what is revoked at `issuedMs` is revoked.
    const issuedMs = clock.wallMs();
    const tlsKeySha256 = spkiSha256(tlsKeyPem);
    return {
      record: { agent, natsKey, tlsKeySha256, issuedMs, expiresMs, tokenId },
      message: { ...place(), natsJwt, tlsCertPem, issuedMs, expiresMs },
    };
  }
}

async function unlessAway(work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KvUnavailable) return err(AWAY);
    throw error;
  }
}

/** The key in our own form; null when it is none that we sign. A private key is none, though one could be read out of it. */
function p256KeyIn(pem: string): string | null {
  if (!pem.trimStart().startsWith('-----BEGIN PUBLIC KEY-----')) return null;
  try {
    const key = createPublicKey(pem);
    const isP256 =
      key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    return isP256 ? key.export({ type: 'spki', format: 'pem' }).toString() : null;
  } catch {
    return null;
  }
}

function spkiSha256(pem: string): string {
  const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(der).digest('hex');
}

function deniedBy(refusal: TokenRefusal): JoinRefusal {
  return { kind: 'denied', sentence: TOKEN_REFUSALS[refusal] };
}

function conflictBy(refusal: NameRefusal): JoinRefusal {
  return { kind: 'conflict', sentence: NAME_REFUSALS[refusal] };
}
