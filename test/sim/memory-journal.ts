import type { ResultMessage } from '@podctl/domain/protocol.ts';
import { tokenKey } from '../../apps/agent/src/core/token-key.ts';
import type { ResultJournal } from '../../apps/agent/src/shell/journal.ts';
import type { Moments } from './moments.ts';
import type { SimProcess } from './process.ts';

/** The journal of one agent's machine: it outlives the processes that write to it. */
export class MemoryJournal implements ResultJournal {
  readonly #results: Map<string, ResultMessage>;
  readonly #process: SimProcess;
  readonly #moments: Moments;

  constructor(results: Map<string, ResultMessage>, process: SimProcess, moments: Moments) {
    this.#results = results;
    this.#process = process;
    this.#moments = moments;
  }

  async open(): Promise<readonly ResultMessage[]> {
    await this.#process.gate();
    return [...this.#results].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, result]) => result);
  }

  async put(result: ResultMessage): Promise<void> {
    const key = tokenKey(result.cluster, result.job);
    await this.#process.gate();
    this.#results.set(key, result);
    this.#moments.pass(this.#process, 'journalled', key);
    await this.#process.gate();
  }

  async remove(key: string): Promise<void> {
    await this.#process.gate();
    this.#results.delete(key);
  }
}
