import { err, ok, type Result } from '@podctl/domain/result.ts';
import { STAGES, type Stage } from '@podctl/domain/stage.ts';
import {
  type EpisodeFilter as FilterMessage,
  Stage as StageMessage,
  StageState as StageStateMessage,
} from '@podctl/proto/podctl/v1/episode.ts';
import type { EpisodeRow, FeedRow } from '../core/snapshot.ts';
import { isRetrying, type StageWord, stageWord } from '../core/stage-view.ts';
import { stageStateOf } from './episode-map.ts';
import { stageOf } from './stage-map.ts';
import type { Failure } from './status.ts';

/** Which episodes are asked for, by the states of their stages. */
export class EpisodeFilter {
  readonly #words: ReadonlySet<StageWord>;
  readonly #failed: boolean;
  readonly #stages: readonly Stage[];

  constructor(words: Iterable<StageWord>, failed: boolean, stage: Stage | null) {
    this.#words = new Set(words);
    this.#failed = failed;
    this.#stages = stage === null ? STAGES : [stage];
  }

  get #isOpen(): boolean {
    return this.#words.size === 0 && !this.#failed;
  }

  /** Whether a feed can have any: what is counted need not be looked for in all of its episodes. */
  mayBeIn({ tally }: FeedRow): boolean {
    if (this.#isOpen || (this.#failed && tally.retryingJobs > 0)) return true;
    return [...this.#words].some((word) => {
      if (word === 'dead') return STAGES.some((stage) => tally.deadJobs[stage] > 0);
      if (word === 'skipped' || word === 'canceled') return tally.skippedJobs > 0;
      if (word === 'running' || word === 'publishing')
        return STAGES.some((stage) => tally.running[stage] > 0);
      return true;
    });
  }

  holds({ state }: EpisodeRow): boolean {
    if (this.#isOpen) return true;
    return this.#stages.some((name) => {
      const stage = state.stages[name];
      return this.#words.has(stageWord(stage)) || (this.#failed && isRetrying(stage));
    });
  }
}

/** Absent: all of them. */
export function filterOf(
  asked: FilterMessage = { states: [], failed: false, stage: StageMessage.UNSPECIFIED },
): Result<EpisodeFilter, Failure> {
  const words = asked.states.map(stageStateOf);
  const known = words.filter((word) => word !== null);
  if (known.length < words.length)
    return err({
      kind: 'invalid',
      field: 'states',
      message: `states has ${StageStateMessage.UNSPECIFIED}, or one that this version does not know`,
    });
  return ok(new EpisodeFilter(known, asked.failed, stageOf(asked.stage)));
}
