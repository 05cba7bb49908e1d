import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, spawnChild } from '@podctl/platform/child/child-process.ts';

const START_MS_MAX = 60_000;
const LEFT_MS_MAX = 3_000;
/** Of /proc/net/tcp. */
const ESTABLISHED = '01';

/** A faster-whisper-server on loopback, which keeps its port through all its lives. */
export class RealServer {
  readonly #program: string;
  readonly #model: string;
  readonly #env: NodeJS.ProcessEnv;
  #child: Child | null = null;
  #port = 0;

  constructor(program: string, model: string, env: NodeJS.ProcessEnv) {
    this.#program = program;
    this.#model = model;
    this.#env = env;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/v1`;
  }

  async start(): Promise<void> {
    const listening = Promise.withResolvers<number>();
    this.#child = await spawnChild({
      ...{ name: 'faster-whisper-server', command: this.#program, tie: 'shell' },
      args: [this.#model, '--host', '127.0.0.1', '--port', String(this.#port)],
      ...{ env: { ...process.env, ...this.#env }, stdout: 'log' },
      log: (line) => {
        const [, port] = /running on http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
        if (port !== undefined) listening.resolve(Number(port));
      },
    });
    const gone = this.#child.exited.then(({ stderrTail }) => {
      throw new Error(`the server ended: ${stderrTail.slice(-500)}`);
    });
    const late = AbortSignal.timeout(START_MS_MAX);
    late.addEventListener('abort', () => listening.reject(late.reason), { once: true });
    this.#port = await Promise.race([listening.promise, gone]);
    gone.catch(() => undefined);
  }

  /** It dies, and another one stands in its place. */
  async kill(): Promise<void> {
    this.#child?.kill();
    await this.#child?.exited;
    await this.start();
  }

  /** Connections to it that are there yet. */
  async left(): Promise<readonly string[]> {
    const untilMs = performance.now() + LEFT_MS_MAX;
    const remote = `:${this.#port.toString(16).toUpperCase().padStart(4, '0')}`;
    for (;;) {
      const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1);
      const open = lines.filter((line) => {
        const [, , to = '', state] = line.trim().split(/\s+/);
        return to.endsWith(remote) && state === ESTABLISHED;
      });
      if (open.length === 0 || performance.now() >= untilMs) return open;
      // The kernel tells nobody of connections of others.
      await delay(50);
    }
  }

  async close(): Promise<void> {
    await this.#child?.stop({ graceMs: 1_000 });
  }
}
