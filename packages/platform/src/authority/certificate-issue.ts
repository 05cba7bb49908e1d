// What is issued, by a package of 200 modules: certificates.ts loads it when it is needed, and tells what each is for.
// The X.509 package injects its parts through decorators, which need this first.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, webcrypto } from 'node:crypto';
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
import type { KeyedCertificate, Validity } from './certificates.ts';

/** Clocks of a fleet differ; what is issued is good a little before its time. */
const SKEW_MS = 60 * 60_000;
const CURVE = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const SIGNATURE = { name: 'ECDSA', hash: 'SHA-256' } as const;

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

/** @param host the name that it may listen under. */
export async function issueForAgent(
  ca: KeyedCertificate,
  { subject, host }: { readonly subject: string; readonly host: string },
  spkiPem: string,
  validity: Validity,
): Promise<string> {
  return await issue(ca, subject, new PublicKey(spkiPem), validity, [
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
  ]);
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
