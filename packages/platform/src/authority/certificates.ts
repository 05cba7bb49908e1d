import { createHash, X509Certificate } from 'node:crypto';
import type { AgentId } from '@podctl/domain/ids.ts';

/** A certificate and the private key for it, PEM both. */
export interface KeyedCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** A span of time that a certificate is good for, epoch ms. */
export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

/** In the subject of an agent's certificate, so that no other one is ever taken for it. */
const AGENT_ORGANIZATION = 'podctl agent';

/** It takes 0.1 s of the processor to load, and most processes issue nothing. */
const issuing = () => import('./certificate-issue.ts');

/** A CA that signs what connects and what listens, and no further CA. */
export async function makeCa(validity: Validity): Promise<KeyedCertificate> {
  return (await issuing()).makeCa(validity);
}

/** For something that listens under these names and addresses: it cannot be used by a client. */
export async function issueForServer(
  ca: KeyedCertificate,
  hosts: readonly string[],
  validity: Validity,
): Promise<KeyedCertificate> {
  return (await issuing()).issueForServer(ca, hosts, validity);
}

/** For a server of a NATS cluster, which is also a client of the other servers. */
export async function issueForRoute(
  ca: KeyedCertificate,
  hosts: readonly string[],
  validity: Validity,
): Promise<KeyedCertificate> {
  return (await issuing()).issueForRoute(ca, hosts, validity);
}

/**
 * For the key that an agent made itself. It may also listen with it (its own /metrics), but only under a name that no
 * coordinator has.
 *
 * @param spkiPem its public key.
 */
export async function issueForAgent(
  ca: KeyedCertificate,
  agent: AgentId,
  spkiPem: string,
  validity: Validity,
): Promise<string> {
  const of = { subject: `O=${AGENT_ORGANIZATION}, CN=${agent}`, host: agentHost(agent) };
  return (await issuing()).issueForAgent(ca, of, spkiPem, validity);
}

/** The name in an agent's certificate, for who asks it for its metrics. */
export function agentHost(agent: AgentId): string {
  return `${agent}.agent.podctl.internal`;
}

/** Whose certificate it is; null when it is no agent's. The chain is checked by who calls. */
export function agentNameIn(certificate: X509Certificate): string | null {
  const lines = certificate.subject.split('\n');
  const name = lines.find((line) => line.startsWith('CN='))?.slice('CN='.length) ?? '';
  return lines.includes(`O=${AGENT_ORGANIZATION}`) && name !== '' ? name : null;
}

/** SHA-256 of the public key (SPKI in DER), hex. */
export function keySha256(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('hex');
}

/** SHA-256 of the certificate in DER, hex. Throws when it is no certificate. */
export function certificateSha256(pem: string): string {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('hex');
}
