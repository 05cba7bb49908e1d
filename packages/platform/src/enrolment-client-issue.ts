import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { decode } from '@nats-io/jwt';
import { createUser, type KeyPair } from '@nats-io/nkeys';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { JoinToken } from '@podctl/domain/join-token.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import type { AgentCredential } from './agent-credential.ts';
import { type IssuedMessage, type JoinMessage, joinClaim } from './enrolment.ts';

/** The keys of a machine, which never leave it. */
export interface MachineKeys {
  readonly nats: KeyPair;
  /** PEM, as the two below. */
  readonly tlsKeyPem: string;
  readonly tlsPublicKeyPem: string;
}

export function makeMachineKeys(): MachineKeys {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return {
    nats: createUser(),
    tlsKeyPem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    tlsPublicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

export function joinRequest({ id, secret }: JoinToken, agent: AgentId, keys: MachineKeys) {
  const claim = {
    tokenId: id,
    agent,
    natsKey: keys.nats.getPublicKey(),
    tlsKeyPem: keys.tlsPublicKeyPem,
  };
  const proof = Buffer.from(keys.nats.sign(joinClaim(claim))).toString('base64');
  return { ...claim, secret, proof } satisfies JoinMessage;
}

/** What does not change when a credential is renewed. */
export type CredentialBase = Pick<AgentCredential, 'agent' | 'caPem' | 'natsSeed' | 'tlsKeyPem'> & {
  readonly natsKey: string;
};

/** `not_yet`: the certificate is good later, or no more, by this machine's clock. */
export interface IssueFault {
  readonly kind: 'not_yet' | 'wrong';
  /** Goes on from "it". */
  readonly words: string;
}

/** The credential, if what was issued is for these keys and this name and can work: nothing else may be kept. */
export function credentialFrom(
  { natsKey, ...base }: CredentialBase,
  issued: IssuedMessage,
  nowMs: number,
): Result<AgentCredential, IssueFault> {
  const fault = certificateFault(base, issued, nowMs) ?? loginFault(natsKey, issued, nowMs);
  if (fault !== null) return err(fault);
  const plain = issued.coordinators.find((url) => !url.startsWith('https://'));
  if (plain !== undefined) return err(wrong('names a coordinator without https'));
  if (issued.expiresMs <= Math.max(issued.issuedMs, nowMs)) return err(wrong('is over already'));
  const { natsServers, coordinators, natsJwt, tlsCertPem, issuedMs, expiresMs } = issued;
  return ok({ ...base, natsServers, coordinators, natsJwt, tlsCertPem, issuedMs, expiresMs });
}

function certificateFault(
  { agent, caPem, tlsKeyPem }: Omit<CredentialBase, 'natsKey'>,
  { tlsCertPem }: IssuedMessage,
  nowMs: number,
): IssueFault | null {
  const certificate = certificateIn(tlsCertPem);
  const ca = new X509Certificate(caPem);
  if (certificate === null) return wrong('has no certificate');
  if (!certificate.checkIssued(ca) || !certificate.verify(ca.publicKey))
    return wrong('has a certificate that the fleet’s CA did not sign');
  if (!certificate.publicKey.equals(createPublicKey(tlsKeyPem)))
    return wrong('has a certificate for another key');
  if (!certificate.subject.split('\n').includes(`CN=${agent}`))
    return wrong('has a certificate for another name');
  if (certificate.validFromDate.getTime() > nowMs)
    return { kind: 'not_yet', words: `is good from ${certificate.validFromDate.toISOString()} on` };
  return certificate.validToDate.getTime() <= nowMs
    ? { kind: 'not_yet', words: `was good until ${certificate.validToDate.toISOString()}` }
    : null;
}

function loginFault(natsKey: string, { natsJwt }: IssuedMessage, nowMs: number): IssueFault | null {
  try {
    const { sub, exp } = decode(natsJwt);
    if (sub !== natsKey) return wrong('has a NATS user with another key');
    return exp !== undefined && exp * 1_000 <= nowMs ? wrong('has a NATS user that is over') : null;
  } catch {
    return wrong('has no NATS user');
  }
}

function wrong(words: string): IssueFault {
  return { kind: 'wrong', words };
}

/** PEM or DER; null when it is none. */
export function certificateIn(text: string | Buffer): X509Certificate | null {
  try {
    return new X509Certificate(text);
  } catch {
    return null;
  }
}
