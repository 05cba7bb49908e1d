import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { agentId } from '@podctl/domain/ids.ts';
import { type JoinToken, parseJoinToken } from '@podctl/domain/join-token.ts';
import {
  type AgentCredential,
  readAgentCredential,
  writeAgentCredential,
} from '@podctl/platform/agent-credential.ts';
import type { Settings } from '@podctl/platform/config/settings.ts';
import {
  type JoinNews,
  type JoinProblem,
  joinFleet,
  joinNewsLine,
  renewCredential,
} from '@podctl/platform/enrolment-client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { errorCode } from '../file-error.ts';
import { readJoinText } from '../install/join-text.ts';
import { type AgentPlace, agentIdOf } from './bootstrap.ts';
import { dataFolder } from './data-folder.ts';

/** Where an agent of this data folder keeps what it was enrolled with. */
export function credentialFile({ dataDir }: Settings): string {
  return join(dataFolder(dataDir).agentState, 'credential.json');
}

/** Null when this machine was not enrolled. Rejects with CommandError when its credential cannot be used. */
export function enrolledPlace(settings: Settings): AgentPlace | null {
  const path = credentialFile(settings);
  const credential = credentialAt(path);
  if (credential === null) return null;
  const { agent, natsServers: servers, caPem: ca } = credential;
  if (settings.agent.id !== null && settings.agent.id !== agent)
    throw new CommandError(
      EXIT.usage,
      `agent.id is ${settings.agent.id}, and this machine was enrolled as ${agent}; set agent.id to that, or remove ${path} and join anew`,
    );
  const as = { kind: 'agent', credentialFile: path } as const;
  // Of a bucket the coordinators give out URLs: an enrolled machine needs no credentials for it.
  const isMounted = settings.library.isNamed && settings.library.s3 === null;
  const coordinators = isMounted ? [] : credential.coordinators;
  return { agentId: agent, nats: { servers, as, ca }, coordinators, credentialFile: path };
}

/** Null when there is none. Throws CommandError when it cannot be read, or is none. */
export function credentialAt(path: string): AgentCredential | null {
  refuseUnreadable(path);
  const read = readAgentCredential(path);
  if (read.ok) return read.value;
  throw new CommandError(EXIT.failed, read.error);
}

/** A service's credential is for its own user, and root. */
function refuseUnreadable(path: string): void {
  try {
    accessSync(path, constants.R_OK);
  } catch (error) {
    if (errorCode(error) !== 'EACCES') return;
    throw new CommandError(EXIT.denied, `${path} is not readable: run with sudo`, error);
  }
}

/**
 * Whether the fleet says that it lets an agent with this credential in no more. One that is out of reach says nothing.
 * Rejects only with the signal's reason.
 */
export async function isRefused(
  credential: AgentCredential,
  signal: AbortSignal,
): Promise<boolean> {
  const renewed = await renewCredential(credential, signal);
  return !renewed.ok && renewed.error.kind === 'refused';
}

/** From a file, or `-` for stdin. Rejects with CommandError, which never repeats what was read. */
export async function readJoinToken(
  source: string,
  { signal, told }: { readonly signal: AbortSignal; readonly told: (line: string) => void },
): Promise<JoinToken> {
  const text = await readJoinText(source, { stdin: process.stdin, signal, told });
  const token = parseJoinToken(text);
  if (token.ok) return token.value;
  const place = source === '-' ? 'stdin' : source;
  throw new CommandError(
    EXIT.usage,
    `the join token from ${place} cannot be used: ${token.error}; "podctl agent token create" makes one`,
  );
}

/**
 * Trades the token for a credential of this machine's own, and keeps it. Rejects with CommandError.
 *
 * @param name the agent's; null takes agent.id of the settings, else the host's name.
 */
export async function enrol(
  settings: Settings,
  token: JoinToken,
  name: string | null,
  { signal, told }: { readonly signal: AbortSignal; readonly told: (line: string) => void },
): Promise<AgentCredential> {
  const agent = agentId(name ?? agentIdOf(settings));
  if (!agent.ok) throw new CommandError(EXIT.usage, `--name: ${agent.error}`);
  const listen = (news: JoinNews) => told(joinNewsLine(news));
  const joined = await joinFleet(token, agent.value, { signal, listen });
  if (!joined.ok) throw new CommandError(exitOf(joined.error), joined.error.sentence);
  await writeAgentCredential(credentialFile(settings), joined.value);
  return joined.value;
}

function exitOf({ kind }: JoinProblem) {
  switch (kind) {
    case 'unreachable':
      return EXIT.unavailable;
    case 'refused':
    case 'stranger':
      return EXIT.denied;
    case 'clock':
    case 'unusable':
      return EXIT.failed;
  }
}
