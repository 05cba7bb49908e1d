import { type Check, fail, ok, warn } from './check.ts';
import type { OtherEngineFacts } from './machine-facts.ts';

const IN_THE_CLEAR = /^http:\/\/(?!127\.|localhost[:/]|\[::1\])/;

/** An engine that is not ours: whether its program is there, or its server answers. */
export function judgeOtherEngine(facts: OtherEngineFacts): Check {
  if (facts.kind === 'openai') return judgeServer(facts);
  const { program, path } = facts;
  if (path !== null) return ok('agent-engine', `the program ${path} (transcribe.command)`);
  return fail(
    'agent-engine',
    `there is no program ${program} that may be run (transcribe.command)`,
    'install it, or give its whole path; the PATH of a service is not that of your shell',
  );
}

function judgeServer({
  url,
  answer,
  tokenFile,
}: Extract<OtherEngineFacts, { kind: 'openai' }>): Check {
  if (tokenFile !== null && tokenFile.mode === null)
    return fail(
      'agent-engine',
      `${tokenFile.path} cannot be read, or holds no token (transcribe.openai.tokenFile)`,
      'write the token into it, and nothing else; run this as the user of the agent',
    );
  if (answer.kind === 'unseen')
    return fail(
      'agent-engine',
      `${url}: ${answer.why}`,
      'start the server, or correct transcribe.openai.url',
    );
  const { status } = answer.value;
  if (status === 401 || status === 403)
    return fail(
      'agent-engine',
      `${url} refuses the token (${status})`,
      'correct transcribe.openai.tokenFile',
    );
  if (((tokenFile?.mode ?? 0) & 0o077) !== 0)
    return warn(
      'agent-engine',
      `${tokenFile?.path} holds a token, and others on this machine may read it`,
      `run "chmod 600 ${tokenFile?.path}"`,
    );
  if (tokenFile !== null && IN_THE_CLEAR.test(url))
    return warn(
      'agent-engine',
      `${url} gets the token in the clear`,
      'reach the server over https://, or through a tunnel',
    );
  if (status >= 500)
    return warn('agent-engine', `${url} answers ${status}`, 'look into the log of the server');
  return ok('agent-engine', `the server at ${url} answers (transcribe.openai.url)`);
}
