/** Why no connection under TLS came to be, or none without. */
export type TlsFailure =
  | 'unknown_ca'
  | 'other_name'
  | 'expired'
  | 'not_yet_valid'
  | 'no_tls_there'
  | 'hung_up';

// OpenSSL's and Node's own words. A CA of another fleet has the same name and another key, hence the signature.
const signs: readonly (readonly [TlsFailure, RegExp])[] = [
  ['other_name', /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate/],
  ['not_yet_valid', /certificate is not yet valid|CERT_NOT_YET_VALID/i],
  ['expired', /certificate has expired|CERT_HAS_EXPIRED/i],
  [
    'unknown_ca',
    /certificate signature failure|unable to verify|self[- ]signed|unable to get (?:local )?issuer|CERT_SIGNATURE_FAILURE|UNABLE_TO_/i,
  ],
  ['no_tls_there', /wrong version number|packet length too long|ERR_SSL_/],
  ['hung_up', /Last error: Failed to connect/],
];

/** Read from the details with which gRPC's client reports that it has no connection; null: it is something else. */
export function tlsFailureIn(details: string): TlsFailure | null {
  return signs.find(([, sign]) => sign.test(details))?.[0] ?? null;
}

/** What to tell, without its full stop. `hung_up` says something only of a connection without TLS: null with it. */
export function tlsSentence(failure: TlsFailure, place: string, hasCa: boolean): string | null {
  switch (failure) {
    case 'unknown_ca':
      return `the certificate of the coordinator at ${place} is not from the CA that was named: it is another fleet, or somebody in between; compare the fleet's ca.crt with --ca-file or with the one of the context ("podctl context show")`;
    case 'other_name':
      return `the certificate of the coordinator at ${place} is for other addresses; name it as its certificate does, or add this address to coordinator.advertise there`;
    case 'expired':
      return `the certificate of the coordinator at ${place} has expired, or the clock here is ahead; compare the clocks, then restart that coordinator, which makes it a new one`;
    case 'not_yet_valid':
      return `the certificate of the coordinator at ${place} is not valid yet: the clock here is behind, or that coordinator's is ahead; set them by NTP`;
    case 'no_tls_there':
      return `what listens at ${place} does not speak TLS, and a CA was named; leave the CA out if it is a coordinator on loopback, else look whether the port is the one of coordinator.grpc.listen`;
    case 'hung_up':
      return hasCa
        ? null
        : `what listens at ${place} hangs up on a connection without TLS; if it is a coordinator with TLS, name its CA with --ca-file or choose its context with -c`;
  }
}
