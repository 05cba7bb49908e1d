// The X.509 package injects its parts through decorators, which need this first.
import 'reflect-metadata';
import { createHash, createPrivateKey, randomBytes, webcrypto, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  X509Certificate as IssuerCertificate,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PublicKey,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
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

/** Clocks of a fleet differ; what is issued is good a little before its time. */
const SKEW_MS = 60 * 60_000;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** In the subject of an agent's certificate, so that no other one is ever taken for it. */
const AGENT_ORGANIZATION = 'podctl agent';

/** A CA that signs what connects and what listens, and no further CA. */
export async function makeCa({ fromMs, toMs }: Validity): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=podctl fleet',
    serialNumber: serialNumber(),
    keys,
    ...dates({ fromMs, toMs }),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  });
  return { certPem: certificate.toString('pem'), keyPem: await pemOf(keys.privateKey) };
}

/** For something that listens under these names and addresses: it cannot be used by a client. */
export async function issueForServer(
  ca: KeyedCertificate,
  hosts: readonly string[],
  validity: Validity,
): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certPem = await issue(ca, 'CN=podctl', keys.publicKey, validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(hosts.map(nameOf)),
  ]);
  return { certPem, keyPem: await pemOf(keys.privateKey) };
}

/** For a server of a NATS cluster, which is also a client of the other servers. */
export async function issueForRoute(
  ca: KeyedCertificate,
  hosts: readonly string[],
  validity: Validity,
): Promise<KeyedCertificate> {
  const keys = await webcrypto.subtle.generateKey(CURVE, true, ['sign', 'verify']);
  const certPem = await issue(ca, 'CN=podctl NATS route', keys.publicKey, validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(hosts.map(nameOf)),
  ]);
  return { certPem, keyPem: await pemOf(keys.privateKey) };
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
  const subject = `O=${AGENT_ORGANIZATION}, CN=${agent}`;
  return await issue(ca, subject, new PublicKey(spkiPem), validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([{ type: 'dns', value: agentHost(agent) }]),
  ]);
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

async function issue(
  ca: KeyedCertificate,
  subject: string,
  publicKey: webcrypto.CryptoKey | PublicKey,
  { fromMs, toMs }: Validity,
  extensions: readonly Extension[],
): Promise<string> {
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject,
    issuer: new IssuerCertificate(ca.certPem).subject,
    ...dates({ fromMs, toMs }),
    publicKey,
    signingKey: await signingKeyOf(ca.keyPem),
    signingAlgorithm: SIGNATURE,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      ...extensions,
    ],
  });
  return certificate.toString('pem');
}

function dates({ fromMs, toMs }: Validity) {
  return { notBefore: new Date(fromMs - SKEW_MS), notAfter: new Date(toMs) };
}

/** Positive and never the same: 15 random bytes below a fixed one. */
function serialNumber(): string {
  return `01${randomBytes(15).toString('hex')}`;
}

function nameOf(host: string): JsonGeneralName {
  return isIP(host) === 0 ? { type: 'dns', value: host } : { type: 'ip', value: host };
}

async function pemOf(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  const object = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return object.export({ format: 'pem', type: 'pkcs8' }).toString();
}

function signingKeyOf(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ format: 'der', type: 'pkcs8' });
  return webcrypto.subtle.importKey('pkcs8', der, CURVE, false, ['sign']);
}
