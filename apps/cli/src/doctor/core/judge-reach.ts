import { durationWords } from '../../render/words.ts';
import { tlsSentence } from '../../tls-failure.ts';
import { type Check, fail, ok, skipped, unseenBy, warn } from './check.ts';
import type { AddressFacts, ChosenEndpoint, FleetFacts, TlsFacts } from './fleet-facts.ts';

const DAY_MS = 86_400_000;
/** A coordinator makes itself a new one when a third of its 90 days is left: with less than this it did not. */
const CERTIFICATE_MS_LOW = 14 * DAY_MS;
const CA_MS_LOW = 90 * DAY_MS;

export function isReached({ tcp }: AddressFacts): boolean {
  return tcp.kind === 'seen';
}

/** Whether a call to it can be made as the endpoint says. */
export function isTrusted({ tls }: AddressFacts): boolean {
  return tls.kind === 'plain' || tls.kind === 'trusted';
}

export function judgeReach({ addresses }: FleetFacts, { origin }: ChosenEndpoint): Check {
  const words = addresses.map(({ address, tcp }) =>
    tcp.kind === 'seen'
      ? `${address} in ${Math.ceil(tcp.value.tookMs)} ms`
      : `${address} not: ${tcp.why}`,
  );
  const reached = addresses.filter(isReached).length;
  if (reached === addresses.length) return ok('reach', words.join(', '));
  if (reached > 0)
    return warn(
      'reach',
      words.join('; '),
      'start the coordinator that is missing, or take its address out of the context; the others serve meanwhile',
    );
  return fail(
    'reach',
    words.join('; '),
    /endpoint\.json/.test(origin)
      ? 'start it again with "podctl up"'
      : 'start the coordinator there, open its port for this machine, or name another with --server host:port',
  );
}

export function judgeTls(facts: FleetFacts): Check {
  const asked = facts.addresses.filter(isReached);
  if (asked.length === 0) return skipped('tls', 'no coordinator was reached');
  const checks = asked.map((address) => addressTls(address, facts.nowMs));
  const first = (outcome: Check['outcome']) => checks.find((check) => check.outcome === outcome);
  // One that is good serves: what is wrong with another is a warning then.
  const failed = first('fail');
  if (failed !== undefined && asked.some(isTrusted))
    return warn('tls', failed.seen, failed.fix ?? '');
  return failed ?? first('warn') ?? first('ok') ?? skipped('tls', 'no coordinator was reached');
}

function addressTls({ address, isLoopback, tls }: AddressFacts, nowMs: number): Check {
  switch (tls.kind) {
    case 'unasked':
      return skipped('tls', `${address} was not reached`);
    case 'plain':
      return isLoopback
        ? ok('tls', 'nothing is encrypted, on this machine only')
        : warn(
            'tls',
            `nothing is encrypted on the way to ${address}`,
            "name the fleet's CA with --ca-file, or choose its context with -c",
          );
    case 'refused':
      return refusedTls(address, tls);
    case 'trusted':
      return trustedTls(address, tls, nowMs);
  }
}

function refusedTls(address: string, { failure, why }: TlsFacts & { kind: 'refused' }): Check {
  const sentence = failure === null ? null : tlsSentence(failure, address, failure !== 'hung_up');
  const told = unseenBy(sentence ?? `no connection under TLS came to be with ${address}: ${why}`);
  const fix = told.kind === 'unseen' ? told.fix : null;
  return fail(
    'tls',
    told.kind === 'unseen' ? told.why : why,
    fix ??
      'look whether the port is the one of coordinator.grpc.listen, and into the log of that coordinator',
  );
}

function trustedTls(
  address: string,
  { protocol, expiresMs, caExpiresMs }: TlsFacts & { kind: 'trusted' },
  nowMs: number,
): Check {
  const left = expiresMs - nowMs;
  const caLeft = caExpiresMs - nowMs;
  const days = (ms: number) => durationWords(ms / 1_000);
  if (caLeft < CA_MS_LOW)
    return warn(
      'tls',
      `the CA of the fleet is good for ${days(caLeft)} more`,
      'plan a new CA: every machine joins anew with it (docs/security.md)',
    );
  if (left < CERTIFICATE_MS_LOW)
    return warn(
      'tls',
      `the certificate of ${address} is good for ${days(left)} more, and was not renewed`,
      'restart that coordinator, which makes it a new one',
    );
  return ok('tls', `${protocol}, the certificate of ${address} is good for ${days(left)} more`);
}
