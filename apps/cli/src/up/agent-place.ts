import { open } from 'node:fs/promises';
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
} from '@podctl/platform/enrolment-client.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { type AgentPlace, agentIdOf } from './bootstrap.ts';
import { dataFolder } from './data-folder.ts';

const TOKEN_BYTES_MAX = 4_096;

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
  const coordinators = settings.library.isNamed ? [] : credential.coordinators;
  return { agentId: agent, nats: { servers, as, ca }, coordinators, credentialFile: path };
}

export function credentialAt(path: string): AgentCredential | null {
  const read = readAgentCredential(path);
  if (read.ok) return read.value;
  throw new CommandError(EXIT.failed, read.error);
}

/** From a file, or `-` for stdin. Rejects with CommandError, which never repeats what was read. */
export async function readJoinToken(source: string): Promise<JoinToken> {
  const text = source === '-' ? await firstText(process.stdin) : await textOf(source);
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

async function textOf(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const buffer = Buffer.alloc(TOKEN_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead).toString('utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(EXIT.usage, `the join token cannot be read: ${why}`, error);
  }
}

async function firstText(stream: NodeJS.ReadStream): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    sizeBytes += chunk.length;
    if (sizeBytes >= TOKEN_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
