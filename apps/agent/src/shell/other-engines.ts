import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { invariant } from '@podctl/domain/result.ts';
import { systemClock } from '@podctl/platform/clock.ts';
import { inheritedLockFd } from '@podctl/platform/folder-lock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import { Agent as HttpAgent } from 'undici';
import type { AgentConfig } from '../config.ts';
import { CommandEngine } from './command-engine.ts';
import type { Engine } from './engine.ts';
import type { Engines } from './engines.ts';
import { OpenaiEndpoint } from './openai-endpoint.ts';
import { OpenaiEngine } from './openai-engine.ts';

/** A program takes all cores; a server may do several at once, and says so with 429 when it does not. */
const COMMAND_SLOTS = 1;
const OPENAI_SLOTS = 2;
const CONNECT_MS_MAX = 10_000;
const CONVERSION_SCRIPT = 'audio_conversion.py';

/** The engines of `agent.engine` besides faster-whisper; they know nothing of GPUs. */
export async function makeOtherEngines(
  kind: 'command' | 'openai',
  config: AgentConfig,
  log: Logger,
  starved: () => void,
): Promise<Engines> {
  const folder = join(config.stateDir, 'engine-runs');
  // What a killed agent left there.
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const wished = config.settings.agent.slots.transcribe;
  const slots = (otherwise: number) => (wished === 'auto' ? otherwise : wished);
  const made =
    kind === 'command'
      ? commandEngines(config, log, folder, slots(COMMAND_SLOTS))
      : openaiEngines(config, log, folder, { slots: slots(OPENAI_SLOTS), starved });
  log.info({ engines: made.all.length }, `The engines: ${made.words}`);
  return {
    all: made.all,
    needsGpu: false,
    starved: made.starved,
    report: (report) => ({ ...report, engineChoice: made.words }),
    close: made.close,
  };
}

interface Made {
  readonly all: readonly Engine[];
  readonly words: string;
  starved(): string | null;
  close(): Promise<void>;
}

function commandEngines(config: AgentConfig, log: Logger, folder: string, slots: number): Made {
  const { command: template, commandOutput: output } = config.settings.transcribe;
  invariant(template !== null, 'settings with the engine command have transcribe.command');
  const spec = { template, output, folder, env: process.env, converter: converterOf(config) };
  const said = (line: string) => log.info({ component: 'engine' }, line);
  return {
    all: Array.from({ length: slots }, () => new CommandEngine(spec, said, Math.random)),
    words: `the program ${template.program} (transcribe.command), ${slots} at a time`,
    starved: () => null,
    close: async () => undefined,
  };
}

function openaiEngines(
  config: AgentConfig,
  log: Logger,
  folder: string,
  { slots, starved }: { readonly slots: number; readonly starved: () => void },
): Made {
  const { url, tokenFile, timeoutMs, uploadBytesMax, model } = config.settings.transcribe.openai;
  invariant(url !== null, 'settings with the engine openai have transcribe.openai.url');
  const dispatcher = new HttpAgent({
    connections: Math.max(1, slots),
    connect: { timeout: CONNECT_MS_MAX },
  });
  const endpoint = new OpenaiEndpoint({
    ...{ url, tokenFile, timeoutMs, uploadBytesMax, dispatcher },
    ...{ clock: systemClock, random: Math.random, resting: starved },
  });
  const options = {
    ...{ endpoint, modelDefault: model, uploadBytesMax, folder },
    converter: converterOf(config),
    said: (line: string) => log.info({ component: 'engine' }, line),
  };
  return {
    all: Array.from({ length: slots }, () => new OpenaiEngine(options)),
    words: `the server at ${endpoint.url} (transcribe.openai.url), ${slots} at a time`,
    starved: () => (slots === 0 ? null : (endpoint.resting?.message.replace(/\.$/, '') ?? null)),
    close: () => dispatcher.destroy(),
  };
}

function converterOf({ pythonPath: python, engineScript }: AgentConfig) {
  return {
    ...{ python, script: join(engineScript, '..', CONVERSION_SCRIPT), env: process.env },
    ...{ lockFd: inheritedLockFd(), clock: systemClock },
  };
}
