import { mkdtemp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '@podctl/domain/result.ts';
import { readAudioFacts } from '@podctl/platform/audio-facts.ts';
import type { EngineCapabilities } from '../core/engine-capabilities.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { readEngineJson } from '../core/engine-json.ts';
import { rawTranscript } from '../core/engine-output.ts';
import { learnedSpeed } from '../core/engine-progress.ts';
import type { LoadedModel, RawTranscript } from '../core/raw-transcript.ts';
import { type Converter, convertAudio } from './audio-conversion.ts';
import type { Engine, TranscribeRequest } from './engine.ts';
import type { OpenaiEndpoint } from './openai-endpoint.ts';
import { Positions } from './reckoned-position.ts';

export interface OpenaiOptions {
  readonly endpoint: OpenaiEndpoint;
  readonly modelDefault: string;
  readonly uploadBytesMax: number;
  /** For audio that is too large as it is; each has a folder of its own in it. */
  readonly folder: string;
  readonly converter: Converter;
  /** Takes what the conversion of audio says while nobody has loaded it. */
  readonly said: (line: string) => void;
}

const CANCELLED: EngineFailure = { code: 'cancelled', message: 'The transcription was cancelled.' };
/** Of the fields and lines around the file. */
const FORM_BYTES = 4_096;
const TIMED: readonly (readonly [string, string])[] = [
  ['response_format', 'verbose_json'],
  ['timestamp_granularities[]', 'segment'],
  ['timestamp_granularities[]', 'word'],
];
const UNTIMED = /response_format|timestamp_granularities|verbose_json/;

/** A server of OpenAI's kind. States: idle ⇄ at work (one request) → stopped, for good. */
export class OpenaiEngine implements Engine {
  readonly capabilities: EngineCapabilities = {
    ...{ wordTimes: 'some', language: true, detectsLanguage: true, prompt: true, hotwords: false },
    ...{ parts: false, decoding: false, positions: 'reckoned' },
  };
  readonly modelDefault: string;
  readonly #options: OpenaiOptions;
  readonly #stopping = new AbortController();
  #said: (line: string) => void;
  #model: string | null = null;
  #working: Promise<unknown> | null = null;
  #speed: number | null = null;

  constructor(options: OpenaiOptions) {
    this.#options = options;
    this.#said = options.said;
    this.modelDefault = options.modelDefault;
  }

  get restMs(): number {
    return this.#options.endpoint.restMs;
  }

  describe(): string {
    const { endpoint, modelDefault } = this.#options;
    return `${endpoint.url}, ${this.#model ?? modelDefault}`;
  }

  /** Asks nothing: only a transcription tells whether the server has the model. */
  async load(
    model: string,
    signal: AbortSignal,
    said?: (line: string) => void,
  ): Promise<Result<LoadedModel, EngineFailure>> {
    const { endpoint } = this.#options;
    this.#said = said ?? this.#options.said;
    if (signal.aborted || this.#stopping.signal.aborted) return err(CANCELLED);
    // What was given before the fleet heard of it: back at once.
    const { resting, restMs } = endpoint;
    if (resting !== null) return err({ ...resting, retryAfterMs: restMs });
    this.#model = model;
    return ok({
      ...{ engine: 'openai', engineVersion: endpoint.url, model, revision: 'unknown' },
      ...{ device: 'unknown', computeType: 'unknown', note: null },
    });
  }

  async transcribe(
    request: TranscribeRequest,
    onPosition: (seconds: number, durationSeconds: number | null) => void,
    signal: AbortSignal,
  ): Promise<Result<RawTranscript, EngineFailure>> {
    if (this.#model === null)
      return err({ code: 'bad_request', message: 'No model is loaded: call load first.' });
    if (this.#working !== null)
      return err({ code: 'busy', message: 'The engine works on another episode.' });
    const either = AbortSignal.any([signal, this.#stopping.signal]);
    const work = this.#work(this.#model, request, onPosition, either);
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
    const { endpoint, converter } = this.#options;
    const facts = await readAudioFacts(request.audioPath).catch((error: unknown) => String(error));
    if (typeof facts === 'string') return err({ code: 'internal', message: `${facts}.` });
    if (!facts.ok)
      return err({
        code: 'audio_unreadable',
        message: 'The file is no audio that can be decoded.',
      });
    const { seconds } = facts.value;
    const startMs = converter.clock.monotonicMs();
    const positions = new Positions(converter.clock, onPosition, seconds, this.#speed);
    try {
      const sent = await this.#sendable(request.audioPath, signal, (path) =>
        this.#ask(path, model, request, signal),
      );
      if (!sent.ok) return sent;
      const heard = readEngineJson(sent.value);
      if (heard === null) return err(babble(endpoint.url));
      const elapsedMs = converter.clock.monotonicMs() - startMs;
      const raw = rawTranscript(heard, seconds, elapsedMs);
      this.#speed = learnedSpeed(this.#speed, raw.durationSeconds, elapsedMs);
      positions.end(raw.durationSeconds);
      return ok(raw);
    } finally {
      positions.end(null);
    }
  }

  /** Newer models of OpenAI's give text and no times, and refuse to be asked for them. */
  async #ask(path: string, model: string, request: TranscribeRequest, signal: AbortSignal) {
    const { endpoint } = this.#options;
    const timed = await endpoint.transcribe(
      { path, model, fields: [...fieldsOf(model, request), ...TIMED] },
      signal,
    );
    if (timed.ok || timed.error.code !== 'bad_request' || !UNTIMED.test(timed.error.message))
      return timed;
    const fields = [...fieldsOf(model, request), ['response_format', 'json'] as const];
    return endpoint.transcribe({ path, model, fields }, signal);
  }

  /** Hands `send` the file itself, or a smaller one that is gone afterwards. */
  async #sendable(
    path: string,
    signal: AbortSignal,
    send: (path: string) => Promise<Result<string, EngineFailure>>,
  ): Promise<Result<string, EngineFailure>> {
    const { uploadBytesMax, folder: parent, converter } = this.#options;
    const isSmall = async (of: string) => (await stat(of)).size + FORM_BYTES <= uploadBytesMax;
    if (await isSmall(path)) return send(path);
    const folder = await mkdtemp(join(parent, 'run-'));
    try {
      const smaller = join(folder, 'audio.ogg');
      const made = await convertAudio(converter, path, smaller, this.#said, signal);
      if (!made.ok) return made;
      if (await isSmall(smaller)) return await send(smaller);
      const { size } = await stat(smaller);
      return err({
        code: 'audio_too_large',
        message: `${Math.round(made.value / 60)} minutes of audio are ${size} bytes as Opus of 24 kbit/s, and transcribe.openai.uploadMax is ${uploadBytesMax}; use an engine without such a limit for it.`,
      });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
}

/** As OpenAI documents them; a server that does not know one passes over it. */
function fieldsOf(model: string, { language, prompt }: TranscribeRequest) {
  const fields: (readonly [string, string])[] = [['model', model]];
  if (language !== null) fields.push(['language', language]);
  if (prompt !== undefined && prompt !== '') fields.push(['prompt', prompt]);
  return fields;
}

function babble(url: string): EngineFailure {
  return {
    code: 'engine_babble',
    message: `${url} answered something else than a transcript as JSON; expected verbose_json of OpenAI's form.`,
  };
}
