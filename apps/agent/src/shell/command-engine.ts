import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, isAbsolute } from 'node:path';
import { type CommandTemplate, hasField } from '@podctl/domain/command-template.ts';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { backoffMs } from '@podctl/domain/retry.ts';
import { programPath } from '@podctl/platform/program-path.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { rawTranscript } from '../core/engine-output.ts';
import { learnedSpeed } from '../core/engine-progress.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { type CommandSpec, runCommand } from './command-run.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import { Positions } from './reckoned-position.ts';

const RESTART_BACKOFF = { backoffFirstMs: 500, backoffMaxMs: 30_000 };
/** Codes that say nothing against the program. */
const HARMLESS: readonly EngineFailure['code'][] = ['cancelled', 'audio_unreadable'];
const CANCELLED: EngineFailure = { code: 'cancelled', message: 'The transcription was cancelled.' };

/**
 * Any program that transcribes, run once for each episode. States: idle ⇄ at work (one run) → stopped, for good. Never true:
 * a process of it that lives while it is idle.
 */
export class CommandEngine implements Engine {
  readonly capabilities: EngineCapabilities;
  readonly #spec: CommandSpec;
  readonly #random: () => number;
  readonly #otherwiseSaid: (line: string) => void;
  readonly #stopping = new AbortController();
  #said: (line: string) => void;
  #loaded: LoadedModel | null = null;
  #hashed: { readonly key: string; readonly sha256: string } | null = null;
  #working: Promise<unknown> | null = null;
  #failures = 0;
  #speed: number | null = null;

  /** @param said takes what it writes to its stderr while nobody has loaded it. */
  constructor(spec: CommandSpec, said: (line: string) => void, random: () => number) {
    this.#spec = spec;
    this.#random = random;
    this.#otherwiseSaid = said;
    this.#said = said;
    this.capabilities = capabilitiesOf(spec.template);
  }

  describe(): string {
    const name = basename(this.#spec.template.program);
    return this.#loaded === null ? name : `${name}, ${this.#loaded.model}`;
  }

  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    this.#said = said ?? this.#otherwiseSaid;
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    if (this.#failures > 0) {
      const waitMs = backoffMs(this.#failures, RESTART_BACKOFF, this.#random());
      await this.#spec.converter.clock.sleep(waitMs, either).catch(() => undefined);
    }
    if (either.aborted) return err(CANCELLED);
    const { template } = this.#spec;
    if ((await programPath(template.program, this.#spec.env.PATH ?? '')) === null)
      return err({ code: 'engine_missing', message: missingWords(template.program) });
    const revision = await this.#revisionOf(model);
    if (!revision.ok) return revision;
    this.#loaded = {
      ...{ engine: basename(template.program), engineVersion: 'unknown', model },
      ...{ revision: revision.value, device: 'unknown', computeType: 'unknown', note: null },
    };
    return ok(this.#loaded);
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    const { model } = this.#loaded ?? {};
    if (model === undefined)
      return err({ code: 'bad_request', message: 'No model is loaded: call load first.' });
    if (this.#working !== null)
      return err({ code: 'busy', message: 'The program works on another episode.' });
    const work = this.#work(model, request, onPosition, signal);
    this.#working = work;
    try {
      return await work;
    } finally {
      this.#working = null;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the agent is stopping'));
    await this.#working?.catch(() => undefined);
  }

  async #work(
    model: string,
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    const { clock } = this.#spec.converter;
    const startMs = clock.monotonicMs();
    const at: { positions: Positions | null; startMs: number } = { positions: null, startMs };
    const listener = {
      said: (line: string) => this.#said(line),
      measured: (durationSeconds: number | null) => {
        at.startMs = clock.monotonicMs();
        at.positions = new Positions(clock, onPosition, durationSeconds, this.#speed);
      },
      told: (seconds: number) => at.positions?.told(seconds),
    };
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    try {
      const ran = await runCommand(this.#spec, model, request, listener, either);
      if (!ran.ok) {
        if (!HARMLESS.includes(ran.error.code)) this.#failures += 1;
        return ran;
      }
      this.#failures = 0;
      const { heard, durationSeconds } = ran.value;
      const raw = rawTranscript(heard, durationSeconds, clock.monotonicMs() - startMs);
      const runMs = clock.monotonicMs() - at.startMs;
      this.#speed = learnedSpeed(this.#speed, raw.durationSeconds, runMs);
      at.positions?.end(raw.durationSeconds);
      return ok(raw);
    } finally {
      at.positions?.end(null);
    }
  }

  /** The SHA-256 of the file that the model's name makes an argument of; `unknown` where no argument is such a file. */
  async #revisionOf(model: string): Promise<Result<string, EngineFailure>> {
    if (model.split('/').includes('..'))
      return err({ code: 'model_missing', message: `"${model}" is no name of a model.` });
    const named = this.#spec.template.arguments.flat().find((text) => isModelPath(text));
    if (named === undefined) return ok('unknown');
    const path = named.replaceAll('{model}', model);
    const found = await stat(path).catch(() => null);
    if (found === null)
      return err({
        code: 'model_missing',
        message: `There is no ${path} for the model ${model}; put it there, or choose another model (transcribe.model).`,
      });
    if (!found.isFile()) return ok('unknown');
    const key = `${path} ${found.size} ${found.mtimeMs}`;
    if (this.#hashed?.key !== key) this.#hashed = { key, sha256: await sha256Of(path) };
    return ok(this.#hashed.sha256);
  }
}

function capabilitiesOf(template: CommandTemplate): EngineCapabilities {
  return {
    ...{ wordTimes: 'some', detectsLanguage: false, parts: false, decoding: false },
    language: hasField(template, 'language'),
    prompt: hasField(template, 'prompt'),
    hotwords: hasField(template, 'hotwords'),
    positions: 'reckoned',
  };
}

function isModelPath(text: string): boolean {
  return isAbsolute(text) && text.includes('{model}') && !/\{(?!model\})[a-z]+\}/.test(text);
}

function missingWords(program: string): string {
  return program.includes('/')
    ? `There is no program ${program} that may be run; correct transcribe.command, or install it.`
    : `There is no program "${program}" in the PATH of this agent; install it, or give its whole path in transcribe.command.`;
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
