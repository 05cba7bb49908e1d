import { err, ok, type Result } from '@podctl/domain/result.ts';
import { ChildError } from '@podctl/platform/child/child-error.ts';
import { type Child, type ChildExit, spawnChild } from '@podctl/platform/child/child-process.ts';
import type { Clock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { EngineFailure } from '../core/engine-failure.ts';
import { beginWatch, look, moved, type WatchedTime } from '../core/watched-time.ts';
import {
  decodeEngineLine,
  ENGINE_PROTOCOL,
  type EngineLine,
  type EngineRequest,
} from './engine-line.ts';

export interface EngineProcessSpec {
  readonly python: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  /** Descriptor of a lock that must stay while the engine lives. */
  readonly lockFd: number | null;
  /** No line for so long: it hangs, and is killed. It says that it lives every 2 s. */
  readonly silentMs: number;
  /** A cancelled request may go on for so long before the process is killed: a batch cannot be broken off. */
  readonly cancelMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Takes each line of its stderr. */
  readonly said: (line: string) => void;
}

/** Lines of answers are kept until their end; an episode of a day has about 30,000 segments. */
const LINES_PER_REQUEST_MAX = 200_000;

/** So often its silence is looked at before it is too long. */
const SILENCE_LOOKS = 10;

interface Pending {
  readonly id: string;
  readonly onLine: (line: EngineLine) => void;
  readonly end: (failure: EngineFailure | null) => void;
  lines: number;
}

/**
 * One life of the engine's process: starting → idle ⇄ at work (one request) → ended, for good. Whatever ends it ends the
 * request at work with a failure, at once.
 */
export class EngineProcess {
  readonly engine: string;
  readonly version: string;
  readonly #child: Child;
  readonly #spec: EngineProcessSpec;
  #pending: Pending | null = null;
  #ended: EngineFailure | null = null;
  #heard: WatchedTime;
  #requests = 0;

  static async start(
    spec: EngineProcessSpec,
    signal: AbortSignal,
  ): Promise<Result<EngineProcess, EngineFailure>> {
    let child: Child;
    try {
      child = await spawnChild({
        name: 'engine',
        command: spec.python,
        args: [spec.script],
        tie: 'stdin',
        env: spec.env,
        lockFd: spec.lockFd,
        stdout: 'lines',
        log: spec.said,
      });
    } catch (error) {
      if (!(error instanceof ChildError)) throw error;
      return err({
        code: 'engine_missing',
        message: `${error.message}; is the Python environment set up?`,
      });
    }
    const lines = child.lines[Symbol.asyncIterator]();
    const abort = () => child.kill();
    signal.addEventListener('abort', abort, { once: true });
    const timer = setTimeout(abort, spec.silentMs);
    try {
      const first = await lines.next();
      const hello =
        first.done || first.value.kind !== 'line' ? null : decodeEngineLine(first.value.text);
      if (hello?.ok && hello.value.kind === 'hello' && hello.value.protocol === ENGINE_PROTOCOL)
        return ok(new EngineProcess(spec, child, hello.value, lines));
      child.kill();
      return err(signal.aborted ? CANCELLED : startFailure(await child.exited));
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(
    spec: EngineProcessSpec,
    child: Child,
    hello: Extract<EngineLine, { kind: 'hello' }>,
    lines: AsyncIterator<{ kind: string; text?: string }>,
  ) {
    this.#spec = spec;
    this.#child = child;
    this.engine = hello.engine;
    this.version = hello.version;
    this.#heard = beginWatch(spec.clock.monotonicMs());
    void this.#read(lines);
  }

  get pid(): number {
    return this.#child.pid;
  }

  get usable(): boolean {
    return this.#ended === null && this.#child.running;
  }

  /** `onLine` gets every line of the request, its last one too. An abort ends it within `cancelMs`, with code `cancelled`. */
  async request(
    fields: DistributiveOmit<EngineRequest, 'id'>,
    onLine: (line: EngineLine) => void,
    signal: AbortSignal,
  ): Promise<EngineFailure | null> {
    if (this.#ended !== null) return this.#ended;
    if (this.#pending !== null)
      return { code: 'busy', message: 'The engine works on another request.' };
    if (signal.aborted) return CANCELLED;
    this.#requests += 1;
    const id = String(this.#requests);
    const { promise, resolve: end } = Promise.withResolvers<EngineFailure | null>();
    this.#pending = { id, onLine, end, lines: 0 };
    this.#heard = beginWatch(this.#spec.clock.monotonicMs());
    const over = new AbortController();
    const cancel = () => void this.#cancel(id, over.signal);
    signal.addEventListener('abort', cancel, { once: true });
    void this.#watch(over.signal);
    try {
      await this.#send({ ...fields, id });
      const failure = await promise;
      return failure !== null && signal.aborted ? CANCELLED : failure;
    } finally {
      this.#pending = null;
      over.abort();
      signal.removeEventListener('abort', cancel);
    }
  }

  /** Beside whatever is at work, and without an answer. */
  async prepare(audio: string, windowSeconds: number): Promise<void> {
    if (!this.usable) return;
    this.#requests += 1;
    await this.#send({ kind: 'prepare', id: String(this.#requests), audio, windowSeconds });
  }

  async stop(graceMs: number): Promise<void> {
    this.#ended ??= { code: 'engine_died', message: 'The engine was stopped.' };
    await this.#child.stop({ graceMs });
  }

  async #send(request: EngineRequest): Promise<void> {
    try {
      await this.#child.writeLine(JSON.stringify(request));
    } catch (error) {
      // Gone or deaf: its end, which is told to the pending request, is the news.
      this.#spec.log.warn({ err: error }, 'The engine takes no requests');
      this.#child.kill();
    }
  }

  async #cancel(id: string, over: AbortSignal): Promise<void> {
    await this.#send({ kind: 'cancel', id });
    await this.#spec.clock.sleep(this.#spec.cancelMs, over).then(
      () => this.#child.kill(),
      () => undefined,
    );
  }

  async #watch(over: AbortSignal): Promise<void> {
    const { clock, silentMs } = this.#spec;
    const tickMs = silentMs / SILENCE_LOOKS;
    while (this.#heard.quietMs < silentMs) {
      await clock.sleep(tickMs, over).catch(() => undefined);
      if (over.aborted) return;
      // After a stop of our own its lines wait to be read: that is no silence.
      this.#heard = look(this.#heard, clock.monotonicMs(), tickMs);
    }
    this.#fail({
      code: 'engine_silent',
      message: `The engine said nothing for ${silentMs / 1000} s and was killed.`,
    });
  }

  async #read(lines: AsyncIterator<{ kind: string; text?: string }>): Promise<void> {
    for (let next = await lines.next(); !next.done; next = await lines.next())
      this.#take(next.value.text ?? null);
    // Its stdout has ended: so has it, or it will never be heard again.
    this.#child.kill();
    this.#fail(deathOf(await this.#child.exited));
  }

  #take(text: string | null): void {
    const { clock, silentMs } = this.#spec;
    this.#heard = moved(this.#heard, clock.monotonicMs(), silentMs / SILENCE_LOOKS);
    const line =
      text === null ? err('The engine wrote a line that is too long.') : decodeEngineLine(text);
    if (line.ok) this.#answer(line.value);
    else this.#fail({ code: 'engine_babble', message: line.error });
  }

  #answer(line: EngineLine): void {
    const pending = this.#pending;
    if (pending === null || !('id' in line)) return;
    // Without an id: it could not read the request, and there is only one.
    if (line.id !== pending.id && line.id !== null) return;
    pending.lines += 1;
    if (pending.lines > LINES_PER_REQUEST_MAX)
      this.#fail({ code: 'engine_babble', message: 'The engine’s answer has no end.' });
    pending.onLine(line);
    if (line.kind === 'failed') pending.end({ code: line.code, message: line.message });
    else if (line.kind === 'loaded' || line.kind === 'done') pending.end(null);
  }

  /** Ends the process, and the request at work with it. */
  #fail(failure: EngineFailure): void {
    this.#ended ??= failure;
    this.#child.kill();
    this.#pending?.end(this.#ended);
  }
}

type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

const CANCELLED: EngineFailure = { code: 'cancelled', message: 'The transcription was cancelled.' };

function startFailure(exit: ChildExit): EngineFailure {
  // Killed by somebody, an out-of-memory killer among them: not for an operator to mend, and worth another try soon.
  if (exit.signal !== null) return deathOf(exit);
  return { code: 'engine_missing', message: `The engine did not start: ${deathWords(exit)}` };
}

function deathOf(exit: ChildExit): EngineFailure {
  return { code: 'engine_died', message: `The engine died: ${deathWords(exit)}` };
}

function deathWords(exit: ChildExit): string {
  const how = exit.signal === null ? `exit code ${exit.code}` : `signal ${exit.signal}`;
  const last = exit.stderrTail.trim().split('\n').at(-1)?.slice(0, 300) ?? '';
  return last === '' ? `${how}.` : `${how} (${last}).`;
}
