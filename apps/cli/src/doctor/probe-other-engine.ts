import { readFile, stat } from 'node:fs/promises';
import type { Settings } from '@podctl/platform/config/settings.ts';
import { programPath } from '@podctl/platform/program-path.ts';
import { whyUnreached } from '../unreached.ts';
import type { OtherEngineFacts } from './core/machine-facts.ts';
import { probed } from './probe.ts';

const ANSWER_MS_MAX = 5_000;

/** What `agent.engine` needs where it is not faster-whisper; null where it is. Rejects only with the signal's reason. */
export async function probeOtherEngine(
  { agent, transcribe }: Settings,
  signal: AbortSignal,
): Promise<OtherEngineFacts | null> {
  const { command, openai } = transcribe;
  if (agent.engine === 'command' && command !== null) {
    const path = await programPath(command.program, process.env.PATH ?? '');
    return { kind: 'command', program: command.program, path };
  }
  if (agent.engine !== 'openai' || openai.url === null) return null;
  const token = openai.tokenFile === null ? null : await tokenIn(openai.tokenFile);
  // A list of models costs nothing, and every server of this kind answers to it somehow.
  const answer = await probed(ANSWER_MS_MAX, signal, async (until) => {
    const headers: Record<string, string> = {};
    if (token?.kind === 'there') headers.authorization = `Bearer ${token.text}`;
    const asked = { headers, signal: until, redirect: 'manual' } as const;
    const response = await fetch(`${openai.url}/models`, asked).catch((error: unknown) => {
      // Why is in what it wraps.
      const { cause = error } = error instanceof Error ? error : {};
      throw until.aborted ? error : new Error(whyUnreached(cause));
    });
    await response.body?.cancel();
    return { status: response.status };
  });
  const file = token === null ? null : { path: openai.tokenFile ?? '', mode: token.mode };
  return { kind: 'openai', url: openai.url, answer, tokenFile: file };
}

async function tokenIn(path: string) {
  try {
    const { mode } = await stat(path);
    const text = (await readFile(path, 'utf8')).trim();
    return /^[\x21-\x7e]{1,4096}$/.test(text)
      ? ({ kind: 'there', text, mode: mode & 0o777 } as const)
      : ({ kind: 'none', mode: null } as const);
  } catch {
    return { kind: 'none', mode: null } as const;
  }
}
