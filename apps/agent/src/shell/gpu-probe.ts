import type { Logger } from '@podctl/platform/logger.ts';
import type { Service } from '@podctl/platform/service.ts';
import { foldSight, type GpuSight, type GpuState, UNSEEN } from '../core/gpu-state.ts';

/** Looks at the GPUs of one maker, by whatever that maker gives: nvidia-smi, sysfs, Vulkan, Metal. */
export interface GpuProbe {
  /**
   * Tells what it sees, again and again, until the signal, or until it is certain that there is nothing to look with.
   * Never rejects; resolves when nothing of it is left running.
   */
  run(see: (sight: GpuSight) => void, signal: AbortSignal): Promise<void>;
}

export interface GpuWatchOptions {
  readonly probe: GpuProbe;
  readonly log: Logger;
  /** Called after each look. */
  readonly seen: (state: GpuState) => void;
}

/** Keeps what is known of the GPUs. Nothing is decided here: core folds. */
export class GpuWatch implements Service {
  readonly name = 'gpu watch';
  readonly #options: GpuWatchOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;
  #state: GpuState = UNSEEN;

  constructor(options: GpuWatchOptions) {
    this.#options = options;
  }

  get state(): GpuState {
    return this.#state;
  }

  /** Resolves before anything was seen: an agent must not wait for a driver that hangs. */
  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    this.#running ??= this.#options.probe.run((sight) => this.#see(sight), this.#stopping.signal);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  #see(sight: GpuSight): void {
    if (this.#stopping.signal.aborted) return;
    const before = this.#state;
    this.#state = foldSight(before, sight);
    tell(this.#options.log, before, this.#state, sight);
    this.#options.seen(this.#state);
  }
}

/** Once for each change: a line a look would fill the log. */
function tell(log: Logger, before: GpuState, now: GpuState, sight: GpuSight): void {
  if (before.kind !== now.kind) tellChange(log, now);
  else if (now.kind === 'present' && sight.kind === 'broken')
    log.warn({}, `The GPUs were not seen: ${sight.reason}`);
  else if (now.kind === 'unusable' && before.kind === 'unusable' && now.reason !== before.reason)
    tellChange(log, now);
}

function tellChange(log: Logger, now: GpuState): void {
  switch (now.kind) {
    case 'unseen':
      return;
    case 'none':
      log.info({}, 'No nvidia-smi here: no GPU is watched');
      return;
    case 'unusable':
      log.warn({}, `No GPU can be used: ${now.reason}`);
      return;
    case 'present':
      log.info({ gpus: now.gpus.map(({ product }) => product) }, 'GPUs are there');
      return;
    case 'lost':
      log.error({}, `A GPU is lost: ${now.reason}`);
      return;
  }
}
