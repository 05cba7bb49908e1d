import { X509Certificate } from 'node:crypto';
import { type Context, LOCAL_CONTEXT } from './context.ts';

/** A context as `--json` prints it: where its token lies, never the token. */
export interface ContextView {
  readonly name: string;
  readonly current: boolean;
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** SHA-256 of the first CA certificate in DER, hex; empty without TLS. It is in the fleet's join tokens too. */
  readonly caSha256: string;
  readonly caExpiresAt: string | null;
  /** Empty where none is shown. */
  readonly tokenFile: string;
}

export function contextView(context: Context, currentName: string): ContextView {
  const { name, servers, caPem, tokenFile } = context;
  return {
    name,
    current: name === currentName,
    servers,
    tls: caPem !== null,
    ...caFacts(caPem),
    tokenFile: tokenFile ?? '',
  };
}

/** What `podctl up` runs here; `server` is null while it does not. */
export function localView(
  file: { readonly grpc: string; readonly tokenFile: string | null } | null,
  caPem: string | null,
  currentName: string,
): ContextView {
  const servers = file === null ? [] : [file.grpc];
  const tokenFile = file?.tokenFile ?? null;
  return contextView({ name: LOCAL_CONTEXT, servers, caPem, tokenFile }, currentName);
}

function caFacts(caPem: string | null): Pick<ContextView, 'caSha256' | 'caExpiresAt'> {
  try {
    if (caPem === null) return { caSha256: '', caExpiresAt: null };
    const certificate = new X509Certificate(caPem);
    const caSha256 = certificate.fingerprint256.replaceAll(':', '').toLowerCase();
    return { caSha256, caExpiresAt: new Date(certificate.validTo).toISOString() };
  } catch {
    return { caSha256: 'not a certificate', caExpiresAt: null };
  }
}
