import { systemClock } from '@podctl/platform/clock.ts';
import type { Logger } from '@podctl/platform/logger.ts';
import type { AgentConfig } from '../config.ts';
import type { Engine } from './engine.ts';
import { LimitedEngine } from './limited-engine.ts';
import { RestingEngine } from './resting-engine.ts';
import type { TunableEngine } from './tuned-engine.ts';

/** How many engines have a request. */
export class EnginesAtWork {
  #count = 0;
  #told: (count: number) => void = () => undefined;

  /** `told` gets it at each change. */
  tell(told: (count: number) => void): void {
    this.#told = told;
  }

  changed(isAtWork: boolean): void {
    this.#count += isAtWork ? 1 : -1;
    this.#told(this.#count);
  }
}

/** An engine with limits on its time, and a rest. */
export function lastingEngine(
  engine: Engine & Partial<TunableEngine>,
  config: AgentConfig,
  log: Logger,
  work: EnginesAtWork,
): TunableEngine {
  const { unloadAfterMs } = config.settings.transcribe;
  const unloaded = (words: string) => log.info({ component: 'engine' }, words);
  const resting = new RestingEngine({ engine, clock: systemClock, unloadAfterMs, unloaded });
  const working = (isAtWork: boolean) => work.changed(isAtWork);
  return new LimitedEngine({ engine: resting, clock: systemClock, working });
}
