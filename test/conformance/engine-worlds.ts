import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseCommandTemplate } from '@podctl/domain/command-template.ts';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { Agent as HttpAgent } from 'undici';
import { CommandEngine } from '../../apps/agent/src/shell/command-engine.ts';
import type { Engine } from '../../apps/agent/src/shell/engine.ts';
import { OpenaiEndpoint } from '../../apps/agent/src/shell/openai-endpoint.ts';
import { OpenaiEngine } from '../../apps/agent/src/shell/openai-engine.ts';
import { WhisperEngine } from '../../apps/agent/src/shell/whisper-engine.ts';
import { familyOf, leftAfter } from '../e2e/process-family.ts';
import { testPython } from '../support/python.ts';
import { silentLog } from '../support/silent-log.ts';
import type { EngineWorld } from './engine-claims.ts';

const engines = (name: string) =>
  fileURLToPath(new URL(`../../apps/agent/engines/${name}`, import.meta.url));
const LEFT_MS_MAX = 3_000;
const quiet = () => undefined;
const base = { lockFd: null, clock: systemClock };

type ProcessTraits = Pick<EngineWorld, 'model' | 'modelHeld' | 'wordErrorRateMax'>;

/** Of an engine that runs processes of its own, which are known by a mark in their environment. */
async function processWorld(
  make: (folder: string, env: NodeJS.ProcessEnv) => Engine,
  of: ProcessTraits,
  more: NodeJS.ProcessEnv = {},
): Promise<EngineWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-engine-'));
  const mark = randomUUID();
  const env = { ...process.env, ...more, HF_HUB_OFFLINE: '1', PODCTL_TEST_MARK: mark };
  return {
    ...of,
    ...{ folder, engine: make(folder, env), atWork: null, asksAgain: false },
    left: () => leftAfter(mark, LEFT_MS_MAX),
    kill: async () => {
      for (const { pid } of await familyOf(mark)) killNow(pid);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

export function whisperWorld(): Promise<EngineWorld> {
  return processWorld(
    (folder, env) => {
      const process = { python: testPython(), script: engines('whisper_engine.py'), env };
      const limits = { silentMs: 30_000, cancelMs: 1_500 };
      const spec = { ...base, ...process, ...limits, log: silentLog, said: quiet };
      return new WhisperEngine(spec, { device: 'cpu', models: join(folder, 'none') }, () => 0);
    },
    { model: 'tiny.en', modelHeld: null, wordErrorRateMax: 0.2 },
  );
}

export function commandWorld(
  command: readonly unknown[],
  of: ProcessTraits,
  more: NodeJS.ProcessEnv = {},
): Promise<EngineWorld> {
  const template = parseCommandTemplate(command);
  invariant(template.ok, 'a template of a command');
  return processWorld(
    (folder, env) => {
      const script = engines('audio_conversion.py');
      const converter = { ...base, python: testPython(), script, env };
      const spec = { template: template.value, output: 'file', folder, env, converter } as const;
      return new CommandEngine(spec, quiet, () => 0);
    },
    of,
    more,
  );
}

/** @param at `left` and `kill` of the server. */
export async function openaiWorld(
  url: string,
  of: Pick<EngineWorld, 'model' | 'modelHeld' | 'wordErrorRateMax' | 'atWork'>,
  at: Pick<EngineWorld, 'left' | 'kill' | 'close'>,
): Promise<EngineWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'podctl-engine-'));
  const dispatcher = new HttpAgent({ connections: 1 });
  const endpoint = new OpenaiEndpoint({
    ...{ url, tokenFile: null, timeoutMs: 60_000, uploadBytesMax: 25e6, dispatcher },
    ...{ clock: systemClock, random: () => 0, resting: quiet },
  });
  const script = engines('audio_conversion.py');
  const converter = { ...base, python: testPython(), script, env: process.env };
  const engine = new OpenaiEngine({
    ...{
      endpoint,
      modelDefault: 'whisper-1',
      uploadBytesMax: 25e6,
      folder,
      converter,
      said: quiet,
    },
  });
  return {
    ...{ ...of, ...at, folder, engine, asksAgain: true },
    close: async () => {
      await dispatcher.destroy();
      await at.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is dead already.
  }
}
