import { timingSafeEqual } from 'node:crypto';
import { fromSeed } from '@nats-io/nkeys';
import type { AgentId } from '@podctl/domain/ids.ts';
import type { JoinToken } from '@podctl/domain/join-token.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { type AgentCredential, coordinatorTls, tlsOptionsOf } from './agent-credential.ts';
import { type Clock, systemClock } from './clock.ts';
import { ENROLMENT_PATHS, issuedMessage, joinMessage } from './enrolment.ts';
import {
  type CredentialBase,
  certificateIn,
  credentialFrom,
  joinRequest,
  makeMachineKeys,
} from './enrolment-client-issue.ts';
import { type Heard, heardFrom, wordsOf } from './enrolment-client-request.ts';

/**
 * Why a machine has no credential, or no new one, in one sentence.
 *
 * unreachable  nobody answers, or not now: asked again, it may be otherwise
 * stranger     whoever answers is not of the fleet
 * refused      the fleet does not let this machine in
 * clock        the clocks differ too much
 * unusable     the answer would not work
 */
export interface JoinProblem {
  readonly kind: 'unreachable' | 'stranger' | 'refused' | 'clock' | 'unusable';
  readonly sentence: string;
}

export type JoinNews =
  /** Who answers has the CA that the token names. */
  | { readonly kind: 'ca_verified' }
  /** The coordinator's clock is so far ahead of this machine's; negative: behind it. */
  | { readonly kind: 'clock_skew'; readonly aheadMs: number }
  | { readonly kind: 'waiting'; readonly sentence: string; readonly waitMs: number };

/** For people. */
export function joinNewsLine(news: JoinNews): string {
  switch (news.kind) {
    case 'ca_verified':
      return 'the coordinator has the CA that the token names';
    case 'clock_skew': {
      const seconds = Math.round(Math.abs(news.aheadMs) / 1_000);
      return `this machine’s clock is ${seconds} s ${news.aheadMs > 0 ? 'behind' : 'ahead of'} the coordinator’s: set it`;
    }
    case 'waiting':
      return `${news.sentence}; trying again in ${Math.ceil(news.waitMs / 1_000)} s`;
  }
}

export interface JoinOptions {
  readonly signal: AbortSignal;
  readonly listen?: (news: JoinNews) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
  /** How long nobody may answer before it is given up. */
  readonly withinMs?: number;
}

const WITHIN_MS = 60_000;
const WAIT_FIRST_MS = 500;
const WAIT_MS_MAX = 10_000;
const SKEW_MS_MAX = 30_000;
const NEW_TOKEN = 'ask for a new token (podctl agent token create)';

/** What a coordinator answers to a certificate whose agent is out already, or has another key by now. */
const OUT_WORDS: ReadonlySet<string> = new Set(['revoked', 'unknown_agent', 'other_key']);

type Setback = { readonly kind: 'again' | 'over'; readonly problem: JoinProblem };
type Step<T> = { readonly kind: 'done'; readonly value: T } | Setback;

/**
 * Turns a join token into a credential of this machine's own. The secret goes only to who has the CA that the token names;
 * the keys are made here, once, so that asking again after a lost answer is the same request. Rejects only with the
 * signal's reason.
 */
export async function joinFleet(
  token: JoinToken,
  agent: AgentId,
  options: JoinOptions,
): Promise<Result<AgentCredential, JoinProblem>> {
  const { signal, clock = systemClock } = options;
  const ca = await persist(options, () => askForCa(token, options));
  if (!ca.ok) return ca;
  options.listen?.({ kind: 'ca_verified' });
  const { caPem, aheadMs } = ca.value;
  if (Math.abs(aheadMs) > SKEW_MS_MAX) options.listen?.({ kind: 'clock_skew', aheadMs });
  const keys = makeMachineKeys();
  const body = joinMessage.encode(joinRequest(token, agent, keys));
  if (!body.ok) throw new Error(body.error);
  const natsKey = keys.nats.getPublicKey();
  const natsSeed = new TextDecoder().decode(keys.nats.getSeed());
  const base = { agent, caPem, natsSeed, tlsKeyPem: keys.tlsKeyPem, natsKey };
  const { url: origin } = token;
  const path = ENROLMENT_PATHS.enrol;
  return persist(options, async () => {
    const tls = coordinatorTls(caPem);
    const heard = await heardFrom({ origin, path, method: 'POST', body: body.value, tls, signal });
    const step = issuedStep(origin, heard, base, clock.wallMs());
    return step.kind === 'over' && step.problem.kind === 'clock' ? withSkew(step, aheadMs) : step;
  });
}

/**
 * A credential for the same keys, good from now on, from the first coordinator that gives one; else the problem of the one
 * that said most. Rejects only with the signal's reason.
 */
export async function renewCredential(
  credential: AgentCredential,
  signal: AbortSignal,
  clock: Clock = systemClock,
): Promise<Result<AgentCredential, JoinProblem>> {
  const { agent, caPem, natsSeed, tlsKeyPem } = credential;
  const natsKey = fromSeed(new TextEncoder().encode(natsSeed)).getPublicKey();
  const base = { agent, caPem, natsSeed, tlsKeyPem, natsKey };
  let problem: JoinProblem | null = null;
  for (const origin of credential.coordinators) {
    const tls = tlsOptionsOf(credential);
    const path = ENROLMENT_PATHS.renew;
    const heard = await heardFrom({ origin, path, method: 'POST', tls, signal });
    const step = issuedStep(origin, heard, base, clock.wallMs());
    if (step.kind === 'done') return ok(step.value);
    if (problem === null || problem.kind === 'unreachable') problem = step.problem;
  }
  return err(
    problem ?? { kind: 'unreachable', sentence: 'the credential names no coordinator: join anew' },
  );
}

/**
 * Puts this machine out of its fleet, from the first coordinator that hears it. Gives null when it is out, also when it
 * was before; else why it may not be. Rejects only with the signal's reason.
 */
export async function leaveFleet(
  credential: AgentCredential,
  signal: AbortSignal,
): Promise<JoinProblem | null> {
  const tls = tlsOptionsOf(credential);
  let problem: JoinProblem | null = null;
  for (const origin of credential.coordinators) {
    const path = ENROLMENT_PATHS.leave;
    const heard = await heardFrom({ origin, path, method: 'POST', tls, signal });
    if (heard.kind === 'answer' && isOut(heard.status, wordsOf(heard.body))) return null;
    problem = withoutAnswer(origin, heard).problem;
  }
  return problem;
}

/** Other refusals, as of a certificate that is over, say nothing about whether its key is out. */
function isOut(status: number, words: string): boolean {
  return status === 200 || (status === 403 && OUT_WORDS.has(words));
}

/** Nothing is believed of who answers but what the token's fingerprint proves. */
async function askForCa(
  { url: origin, caSha256 }: JoinToken,
  { signal, clock = systemClock }: JoinOptions,
): Promise<Step<{ readonly caPem: string; readonly aheadMs: number }>> {
  const startMs = clock.wallMs();
  const tls = 'untrusted';
  const heard = await heardFrom({ origin, path: ENROLMENT_PATHS.ca, method: 'GET', tls, signal });
  if (heard.kind !== 'answer' || heard.status !== 200) return withoutAnswer(origin, heard);
  const ca = certificateIn(heard.body);
  if (ca === null) return over('stranger', notACoordinator(origin, 'it sent no certificate'));
  if (!isFingerprint(ca.fingerprint256, caSha256))
    return over(
      'stranger',
      `${origin} shows another CA than the token names: somebody else answers there, or the fleet was made anew; nothing was sent; ${NEW_TOKEN}`,
    );
  const nowMs = (startMs + clock.wallMs()) / 2;
  // The header's second has passed halfway.
  const aheadMs = heard.dateMs === null ? 0 : Math.round(heard.dateMs + 500 - nowMs);
  return { kind: 'done', value: { caPem: ca.toString(), aheadMs } };
}

function isFingerprint(found: string, expectedHex: string): boolean {
  const [a, b] = [Buffer.from(found.replaceAll(':', ''), 'hex'), Buffer.from(expectedHex, 'hex')];
  return a.length === b.length && timingSafeEqual(a, b);
}

function issuedStep(
  origin: string,
  heard: Heard,
  base: CredentialBase,
  nowMs: number,
): Step<AgentCredential> {
  if (heard.kind !== 'answer' || heard.status !== 200) return withoutAnswer(origin, heard);
  const issued = issuedMessage.decode(heard.body);
  if (!issued.ok) return over('unusable', notACoordinator(origin, issued.error));
  const credential = credentialFrom(base, issued.value, nowMs);
  if (credential.ok) return { kind: 'done', value: credential.value };
  const { kind, words } = credential.error;
  const seen = `the credential that ${origin} issued ${words}`;
  return kind === 'not_yet'
    ? over('clock', `${seen}, and this machine has ${isoOf(nowMs)}: set the clocks`)
    : over('unusable', `${seen}; it was not kept: look at the log of that coordinator`);
}

/** Whatever is not a 200. */
function withoutAnswer(origin: string, heard: Heard): Setback {
  if (heard.kind === 'silence')
    return again(
      `nobody answers at ${origin} (${heard.why}): check the address, that a coordinator runs there, and the firewall`,
    );
  if (heard.kind === 'stranger')
    return heard.clock
      ? over(
          'clock',
          `the certificate of ${origin} is not valid now (${heard.why}): set the clocks`,
        )
      : over(
          'stranger',
          `${origin} does not prove to be of the fleet (${heard.why}): check the address; if the fleet was made anew, ${NEW_TOKEN}`,
        );
  const words = wordsOf(heard.body);
  if (heard.status >= 500 || heard.status === 429 || heard.status === 408)
    return again(`${origin} lets nobody in now (${words}): try again in a while`);
  if ([401, 403, 409].includes(heard.status))
    return over('refused', `${origin} refused this machine: ${words}`);
  return over('stranger', notACoordinator(origin, `status ${heard.status}`));
}

function notACoordinator(origin: string, why: string): string {
  return `what answers at ${origin} is no coordinator of podctl, or one of another version (${why}): check the address`;
}

function again(sentence: string): Setback {
  return { kind: 'again', problem: { kind: 'unreachable', sentence } };
}

function over(kind: JoinProblem['kind'], sentence: string): Setback {
  return { kind: 'over', problem: { kind, sentence } };
}

function withSkew({ problem }: { readonly problem: JoinProblem }, aheadMs: number): Step<never> {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return over(problem.kind, `${problem.sentence} (its clock is ${seconds} s ${side} this one)`);
}

/** Tries again while nobody answers, each time a little later, until the time is over. */
async function persist<T>(
  { signal, listen, clock = systemClock, random = Math.random, withinMs = WITHIN_MS }: JoinOptions,
  step: () => Promise<Step<T>>,
): Promise<Result<T, JoinProblem>> {
  const deadlineMs = clock.monotonicMs() + withinMs;
  for (let waitMs = WAIT_FIRST_MS; ; waitMs = Math.min(waitMs * 2, WAIT_MS_MAX)) {
    const { kind, ...rest } = await step();
    if ('value' in rest) return ok(rest.value);
    const pauseMs = waitMs * (0.5 + random() / 2);
    if (kind === 'over' || clock.monotonicMs() + pauseMs >= deadlineMs) return err(rest.problem);
    listen?.({ kind: 'waiting', sentence: rest.problem.sentence, waitMs: pauseMs });
    await clock.sleep(pauseMs, signal);
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
