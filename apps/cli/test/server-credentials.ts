import { ServerCredentials } from '@grpc/grpc-js';
import type { KeyedCertificate } from '@podctl/platform/authority/certificates.ts';

/** Of a test's server: TLS with a certificate, plain text without. */
export function serverCredentials(certificate: KeyedCertificate | undefined): ServerCredentials {
  if (certificate === undefined) return ServerCredentials.createInsecure();
  const pem = (text: string) => Buffer.from(text);
  const pair = { cert_chain: pem(certificate.certPem), private_key: pem(certificate.keyPem) };
  return ServerCredentials.createSsl(null, [pair]);
}
