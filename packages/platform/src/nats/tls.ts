import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { NodeConnectionOptions } from '@nats-io/transport-node';
import { parseAddress } from '../endpoint.ts';

/** Certificates (PEM, or a file of them) that servers are checked with; neither: those of the system. */
export interface NatsTls {
  readonly ca?: string;
  readonly caFile?: string;
  /** The name that every server's certificate must have; left out: that of its address. */
  readonly servername?: string;
}

/**
 * What the client is given. Of a server that is named by its address the client tells node no name, and node checks the
 * certificate against `localhost`: so it is checked here, against all addresses that we were told, since which of them was
 * dialled is not known. All of them are of one fleet.
 */
export function tlsSettings(
  tls: NatsTls,
  servers: readonly string[],
): NonNullable<NodeConnectionOptions['tls']> {
  const hosts = servers.map(hostOf);
  const unnamed = hosts.filter((host) => host === 'localhost' || isIP(host) !== 0);
  const settings = {
    ...tls,
    checkServerIdentity: (host: string, certificate: PeerCertificate) => {
      if (host !== 'localhost') return checkServerIdentity(host, certificate);
      const isNamed = unnamed.some((name) => checkServerIdentity(name, certificate) === undefined);
      return isNamed ? undefined : checkServerIdentity(unnamed[0] ?? host, certificate);
    },
  };
  return settings;
}

/** Of what OpenSSL and node say of a certificate that they do not accept. */
const UNTRUSTED = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_|ERR_TLS_CERT|HOSTNAME_)/;

/** Whether a connection failed since the other side did not prove who it is. */
export function isUntrusted(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : null;
  return typeof code === 'string' && UNTRUSTED.test(code);
}

function hostOf(server: string): string {
  const place = server.replace(/^[a-z+]+:\/\//, '').replace(/^[^@]*@/, '');
  return parseAddress(/:\d+$/.test(place) ? place : `${place}:4222`).host;
}
