import { err, ok, type Result } from '@podctl/domain/result.ts';
import { type Address, isLoopback, isWildcard, parseAddress } from '@podctl/platform/endpoint.ts';

/** Where a page with metrics is to be asked for. */
export interface MetricsPlace extends Address {
  readonly tls: boolean;
}

/**
 * Where a coordinator's metrics are, seen from here. The error is a sentence without its full stop.
 *
 * @param listen as the coordinator listens; empty when it does not say.
 * @param asked `host:port` under which its gRPC was reached.
 */
export function coordinatorMetricsPlace(
  listen: string,
  asked: string,
  hasCa: boolean,
): Result<MetricsPlace, string> {
  if (listen === '')
    return err(
      `the coordinator at ${asked} does not say where its metrics are; "podctl version" shows whether it is older than this command`,
    );
  const { host, port } = parseAddress(listen);
  const askedHost = parseAddress(asked).host;
  if (isLoopback(host) && !isLoopback(askedHost))
    return err(
      `the coordinator at ${asked} shows its metrics to its own machine alone (${listen}); run this there, or set coordinator.http.listen there`,
    );
  // As it serves them: on loopback plainly, elsewhere with the certificate of the fleet if there is one.
  const tls = hasCa && !isLoopback(host);
  // The host that the user named, whatever the server names: a token goes there.
  return ok({ host: askedHost, port, tls });
}

/** Where an agent of this machine shows its metrics. Beyond loopback an agent speaks TLS, always. */
export function agentMetricsPlace(listen: string): MetricsPlace {
  const { host, port } = parseAddress(listen);
  const loopback = host === '::' ? '::1' : '127.0.0.1';
  return { host: isWildcard(host) ? loopback : host, port, tls: !isLoopback(host) };
}

/** The lines of a page, in its order; with a pattern only the samples that match, without comments. */
export function metricsLines(page: string, pattern: RegExp | null): string[] {
  const lines = page.split('\n').filter((line) => line !== '');
  if (pattern === null) return lines;
  return lines.filter((line) => !line.startsWith('#') && pattern.test(line));
}
