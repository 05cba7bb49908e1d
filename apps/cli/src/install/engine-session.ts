import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Line } from '@podctl/platform/child/lines.ts';
import { CommandError, EXIT } from '../command-error.ts';
import { deathSentence } from '../up/last-words.ts';

export interface EngineCommand {
  /** The Python and what runs it, e.g. as another user. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface EngineModel {
  readonly model: string;
  readonly device: string;
  readonly computeType: string;
  /** A sentence for people (a fallback is used, a GPU was passed over), or null. */
  readonly note: string | null;
}

export interface HeardClip {
  readonly text: string;
  readonly durationSeconds: number;
  readonly elapsedMs: number;
}

type Fields = { readonly [key: string]: unknown };

/** It says that it lives every 2 s; a batch on a slow CPU may take longer, not that. */
const SILENT_MS_MAX = 60_000;
/** Loading may fetch a model of some GB, of which the engine says nothing. */
const LOAD_MS_MAX = 30 * 60_000;
const TRANSCRIBE_MS_MAX = 10 * 60_000;
const STOP_GRACE_MS = 2_000;
const LINES_MAX = 20_000;

/** The installed engine, started once to see that it works: protocol 1 of apps/agent/engines/README.md, one request at a time. */
export class EngineSession {
  readonly #child: Child;
  readonly #lines: AsyncIterator<Line>;
  readonly #signal: AbortSignal;
  #requests = 0;

  static async start({ argv, env }: EngineCommand, signal: AbortSignal): Promise<EngineSession> {
    const [command = '', ...args] = argv;
    const child = await spawnChild({
      ...{ name: 'the engine', command, args, env, tie: 'stdin', stdout: 'lines' },
      log: () => undefined,
    });
    const session = new EngineSession(child, signal);
    await session.#until('hello', SILENT_MS_MAX, () => undefined);
    return session;
  }

  private constructor(child: Child, signal: AbortSignal) {
    this.#child = child;
    this.#lines = child.lines[Symbol.asyncIterator]();
    this.#signal = signal;
  }

  async load(model: string, device: string, computeType: string): Promise<EngineModel> {
    await this.#send({ kind: 'load', model, device, computeType });
    const loaded = await this.#until('loaded', LOAD_MS_MAX, () => undefined);
    return {
      model: words(loaded.model),
      device: words(loaded.device),
      computeType: words(loaded.computeType),
      note: typeof loaded.note === 'string' ? loaded.note : null,
    };
  }

  async transcribe(audio: string, language: string, batchSize: number): Promise<HeardClip> {
    const texts: string[] = [];
    await this.#send({ kind: 'transcribe', audio, language, batchSize });
    const done = await this.#until('done', TRANSCRIBE_MS_MAX, (line) => {
      if (line.kind === 'segment') texts.push(words(line.text));
    });
    return {
      text: texts.join(' '),
      durationSeconds: Number(done.durationSeconds),
      elapsedMs: Number(done.elapsedMs),
    };
  }

  async stop(): Promise<void> {
    await this.#child.stop({ graceMs: STOP_GRACE_MS });
  }

  async #send(request: Fields): Promise<void> {
    this.#requests += 1;
    await this.#child
      .writeLine(JSON.stringify({ ...request, id: String(this.#requests) }))
      .catch(() => this.#died());
  }

  /** The line of this kind. Rejects with CommandError when the engine fails, dies, or takes too long; killed then. */
  async #until(kind: string, limitMs: number, onLine: (line: Fields) => void): Promise<Fields> {
    const late = AbortSignal.timeout(limitMs);
    const over = AbortSignal.any([this.#signal, late]);
    const kill = () => this.#child.kill();
    over.addEventListener('abort', kill, { once: true });
    try {
      for (let count = 0; count < LINES_MAX; count += 1) {
        const next = await this.#lines.next();
        if (next.done === true) break;
        const line = fieldsOf(next.value);
        onLine(line);
        if (line.kind === kind) return line;
        if (line.kind === 'failed') throw new CommandError(EXIT.failed, words(line.message));
      }
    } finally {
      over.removeEventListener('abort', kill);
    }
    this.#signal.throwIfAborted();
    if (late.aborted)
      throw new CommandError(
        EXIT.failed,
        `the engine did not answer within ${limitMs / 1_000} s; run this again, with less else running`,
      );
    return this.#died();
  }

  async #died(): Promise<never> {
    this.#child.kill();
    const sentence = deathSentence('the engine', await this.#child.exited);
    throw new CommandError(EXIT.failed, `${sentence}; mend that, then run this command again`);
  }
}

function fieldsOf(line: Line): Fields {
  if (line.kind !== 'line') return {};
  try {
    const value: unknown = JSON.parse(line.text);
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    return {};
  }
}

function words(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
