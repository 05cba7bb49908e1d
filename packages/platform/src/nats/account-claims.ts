import type { NatsLink } from './connection.ts';

/** Answers of several servers, or of none that has the account. */
export class ClaimsError extends Error {
  constructor(sentence: string, cause?: unknown) {
    super(sentence, { cause });
    this.name = 'ClaimsError';
  }
}

const ANSWER_MS_MAX = 2_000;
/** The servers of one cluster were seen to answer within 25 ms of each other; a farther one is asked again by the next look. */
const STALL_MS = 200;
const UPDATE_SUBJECT = '$SYS.REQ.CLAIMS.UPDATE';

/**
 * Tells the servers what an account is from now on; they end the connections of users that it revokes. The link is one
 * of the system account. Rejects with ClaimsError unless a server took it: the others of a cluster learn it from that one.
 */
export async function updateAccount(link: NatsLink, jwt: string): Promise<void> {
  const answer = await ask(link, UPDATE_SUBJECT, jwt);
  const refusal = refusalIn(answer);
  if (refusal !== null) throw new ClaimsError(`the NATS server refused the account: ${refusal}`);
}

/** The account's JWT as a server has it; null when it does not know the account. Rejects with ClaimsError. */
export async function lookUpAccount(link: NatsLink, account: string): Promise<string | null> {
  const answer = await ask(link, lookUpSubject(account), '');
  return answer === '' ? null : answer;
}

/** The same of each server of the cluster that answers. Rejects with ClaimsError when none does. */
export async function lookUpAccounts(link: NatsLink, account: string): Promise<readonly string[]> {
  const subject = lookUpSubject(account);
  const options = { strategy: 'stall', maxWait: ANSWER_MS_MAX, stall: STALL_MS } as const;
  const texts: string[] = [];
  try {
    for await (const answer of await link.nc.requestMany(subject, '', options))
      texts.push(answer.string());
  } catch (error) {
    throw unanswered(subject, error);
  }
  if (texts.length === 0) throw unanswered(subject, new Error('timeout'));
  return texts;
}

async function ask(link: NatsLink, subject: string, payload: string): Promise<string> {
  try {
    const reply = await link.nc.request(subject, payload, { timeout: ANSWER_MS_MAX });
    return reply.string();
  } catch (error) {
    throw unanswered(subject, error);
  }
}

function lookUpSubject(account: string): string {
  return `$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`;
}

function unanswered(subject: string, error: unknown): ClaimsError {
  const why = error instanceof Error ? error.message : String(error);
  return new ClaimsError(`the NATS servers did not answer ${subject}: ${why}`, error);
}

/** The server's own words, when it did not take the claims. */
function refusalIn(answer: string): string | null {
  try {
    const { error } = JSON.parse(answer) as { error?: { description?: string } };
    return error === undefined ? null : (error.description ?? 'without a reason');
  } catch {
    return 'its answer is not JSON';
  }
}
