import { setTimeout as delay } from 'node:timers/promises';
import { spawnChild } from '@podctl/platform/child/child-process.ts';
import { type CommandError, EXIT } from '../command-error.ts';
import { type Charge, SupervisedChild } from '../up/supervised-child.ts';
import { askReadiness } from './agent-readiness.ts';
import type { InstallPlan } from './install-plan.ts';

/** `agent run` may prepare what an upgrade changed before it listens. */
const READY_MS_MAX = 120_000;
const ASK_AGAIN_MS = 200;
/** What `agent run` takes at most to hand back and say goodbye, once its time to finish is over. */
const GRACE_MS = 20_000;

/** Where there is no systemd: the agent runs under this process, and is started again when it dies. */
export class ForegroundAgent {
  readonly #child: SupervisedChild;
  readonly #gaveUp = Promise.withResolvers<CommandError>();
  #started = false;

  /** @param told one line for the person each. */
  constructor(plan: InstallPlan, listen: string, drainMs: number, told: (line: string) => void) {
    const charge = chargeOf(plan, listen, drainMs, told);
    this.#child = new SupervisedChild(charge, { told, gaveUp: this.#gaveUp.resolve });
  }

  get started(): boolean {
    return this.#started;
  }

  /** Resolves when it died so often that it is left dead. */
  get gaveUp(): Promise<CommandError> {
    return this.#gaveUp.promise;
  }

  async start(signal: AbortSignal): Promise<void> {
    await this.#child.start(signal);
    this.#started = true;
  }

  /** The agent finishes what runs; asked again, it hands back at once. */
  async stop(): Promise<void> {
    await this.#child.stop();
  }
}

function chargeOf(
  { command: [command = '', ...args], environment }: InstallPlan,
  listen: string,
  drainMs: number,
  log: (line: string) => void,
): Charge {
  return {
    name: 'the agent',
    graceMs: drainMs + GRACE_MS,
    readyMsMax: READY_MS_MAX,
    // The fleet does not let it in (any more): asking again brings nothing.
    isFinal: ({ code }) => code === EXIT.denied,
    spawn: () =>
      spawnChild({
        ...{ name: 'agent', command, args, log, tie: 'node', stdout: 'log' },
        env: { ...process.env, ...environment },
      }),
    async ready(signal) {
      for (;;) {
        const seen = await askReadiness(listen, signal);
        if (seen.kind === 'answered') return;
        await delay(ASK_AGAIN_MS, undefined, { signal });
      }
    },
  };
}
