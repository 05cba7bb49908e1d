import { createPrivateKey, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';

export interface CertificateWish {
  readonly caPem: string;
  readonly keyPem: string;
  /** Names and addresses that it must be for. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

/** With less of its life than this it is made anew, long before anybody is refused. */
const LIFE_LEFT_MIN = 1 / 3;

/** Why a server's certificate must be made anew, in words; null when it is good. */
export function certificateProblem(certPem: string, wish: CertificateWish): string | null {
  const certificate = readCertificate(certPem);
  if (certificate === null) return 'its certificate cannot be read';
  if (!certificate.verify(new X509Certificate(wish.caPem).publicKey))
    return "its certificate is not of this fleet's CA";
  if (!fits(certificate, wish.keyPem)) return 'its certificate is for another key';
  const missing = wish.hosts.find((host) => !names(certificate, host));
  if (missing !== undefined) return `its certificate is not for ${missing}`;
  const [fromMs, toMs] = [certificate.validFrom, certificate.validTo].map(Date.parse);
  if (fromMs === undefined || toMs === undefined) return 'its certificate cannot be read';
  const left = (toMs - wish.nowMs) / (toMs - fromMs);
  return left < LIFE_LEFT_MIN ? 'less than a third of the life of its certificate is left' : null;
}

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function fits(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function names(certificate: X509Certificate, host: string): boolean {
  const found =
    isIP(host) === 0
      ? certificate.checkHost(host, { subject: 'never', wildcards: false })
      : certificate.checkIP(host);
  return found !== undefined;
}
