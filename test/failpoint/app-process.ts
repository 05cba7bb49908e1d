import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { KILLED_AT, type Order, type Point, type Report, wordsOf } from './failpoints.ts';
import type { Watch } from './watch.ts';

const LINES_KEPT = 15;
const OBEY_MS_MAX = 20_000;

/** One of the apps' test builds over several lives. At its armed point it kills itself, and is started again at once. */
export class AppProcess {
  /** The points it has passed since `forget`. */
  readonly met = new Map<string, Point>();
  /** How often a point killed it. */
  trapped = 0;
  /** The last lines that it wrote. */
  said: string[] = [];
  /** What its present life has said of itself. */
  grpc: string | null = null;
  leading = false;
  welcomed = false;
  readonly #script: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #watch: Watch;
  #child: ChildProcess | null = null;
  #killedAt: string | null = null;
  #ordered = false;
  #obeyed = 0;
  #crash: Error | null = null;

  constructor(script: string, env: NodeJS.ProcessEnv, watch: Watch) {
    this.#script = script;
    this.#env = env;
    this.#watch = watch;
  }

  get running(): boolean {
    return this.#child !== null;
  }

  /** Throws when it has ended in a way that nobody wanted. */
  check(): void {
    if (this.#crash !== null) throw this.#crash;
  }

  /** Does nothing while it runs. */
  start(armed: Point | null): void {
    if (this.#child !== null) return;
    const child = fork(this.#script, [JSON.stringify(armed)], {
      env: this.#env,
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#ordered = false;
    this.#killedAt = null;
    child.on('message', (report) => this.#hear(report as Report));
    this.#read(child.stdout);
    this.#read(child.stderr);
    // Not `exit`: what it wrote last must have been read.
    child.once('close', (code, signal) => this.#closed(`${code ?? signal}`));
  }

  /** Lets the point kill it when it passes there next; null disarms. */
  async arm(point: Point | null): Promise<void> {
    await this.#order({ kind: 'arm', point });
  }

  async forget(): Promise<void> {
    this.met.clear();
    await this.#order({ kind: 'forget' });
  }

  /** Resolves when it has ended. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#ordered = true;
    child.kill(signal);
    const gone = () => (this.#child === child ? null : true);
    await this.#watch.until(`the end of ${this.#script} at ${signal}`, gone, OBEY_MS_MAX);
  }

  async #order(order: Order): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const before = this.#obeyed;
    child.send(order);
    const obeyed = () => (this.#obeyed > before || this.#child !== child ? true : null);
    await this.#watch.until(`the order ${order.kind}`, obeyed, OBEY_MS_MAX);
  }

  #hear(report: Report): void {
    if (report.kind === 'obeyed') this.#obeyed += 1;
    else this.met.set(wordsOf(report.point), report.point);
    this.#watch.wake();
  }

  #read(stream: Readable | null): void {
    if (stream === null) return;
    createInterface({ input: stream }).on('line', (line) => {
      this.said = [...this.said, line].slice(-LINES_KEPT);
      this.#learn(line);
      this.#watch.wake();
    });
  }

  #learn(line: string): void {
    if (line.startsWith(KILLED_AT)) this.#killedAt = line;
    const grpc = /"grpc":"([^"]+)".*"ready"/.exec(line)?.[1];
    if (grpc !== undefined) this.grpc = grpc;
    if (line.includes('"leading"')) this.leading = true;
    if (line.includes('"no longer leading"')) this.leading = false;
    if (line.includes('Welcomed by the leader')) this.welcomed = true;
  }

  #closed(how: string): void {
    this.#child = null;
    this.grpc = null;
    this.leading = false;
    this.welcomed = false;
    if (this.#killedAt !== null) {
      this.trapped += 1;
      this.start(null);
    } else if (!this.#ordered) {
      this.#crash = new Error(`it ended by itself with ${how}:\n${this.said.join('\n')}`);
    }
    this.#watch.wake();
  }
}
