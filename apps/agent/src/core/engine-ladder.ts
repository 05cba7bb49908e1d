/**
 * What an engine does about memory that does not suffice: a smaller batch, then int8, then another agent. A ladder belongs
 * to one engine and one model, and is kept from job to job: what did not fit once will most likely not fit a minute later.
 * It is climbed again a rung at a time, since what filled the GPU may be gone.
 *
 * States: on rung 0 (as chosen) … on the last rung; below it there is nothing, and the job is for another agent.
 * Only `stepDown` and `afterSuccess` change it. Never true: a rung with more memory than the one above it.
 */
export interface Ladder {
  readonly rungs: readonly Rung[];
  readonly at: number;
  /** Jobs that came out well since the last step, either way. */
  readonly good: number;
}

export interface Rung {
  readonly computeType: string;
  readonly batchSize: number;
}

/** So many jobs in a row must come out well before the rung above is tried again. */
export const GOOD_JOBS_TO_CLIMB = 5;
/** Each rung of a batch has a quarter of the one above: every try costs the time of a load. */
const STEP = 4;

/** @param device only on CUDA is there a step to int8: on the CPU int8 is where one begins. */
export function ladderOf(first: Rung, device: 'cuda' | 'cpu'): Ladder {
  const batches = batchesFrom(first.batchSize);
  const same = batches.map((batchSize) => ({ ...first, batchSize }));
  const int8 = device === 'cuda' ? int8Of(first.computeType) : null;
  const smaller =
    int8 === null ? [] : batches.slice(1).map((batchSize) => ({ computeType: int8, batchSize }));
  const single = int8 !== null && smaller.length === 0 ? [{ computeType: int8, batchSize: 1 }] : [];
  return { rungs: [...same, ...smaller, ...single], at: 0, good: 0 };
}

export function rungOf({ rungs, at }: Ladder): Rung {
  const rung = rungs[at];
  if (rung === undefined) throw new RangeError(`a ladder of ${rungs.length} rungs has none ${at}`);
  return rung;
}

/**
 * After memory did not suffice; null: there is no rung below.
 *
 * @param during a model that does not load is not helped by a smaller batch.
 */
export function stepDown(ladder: Ladder, during: 'load' | 'transcribe'): Ladder | null {
  const { computeType } = rungOf(ladder);
  const next = ladder.rungs.findIndex(
    (rung, i) => i > ladder.at && (during === 'transcribe' || rung.computeType !== computeType),
  );
  return next === -1 ? null : { ...ladder, at: next, good: 0 };
}

export function afterSuccess(ladder: Ladder): Ladder {
  if (ladder.at === 0) return ladder;
  const good = ladder.good + 1;
  return good < GOOD_JOBS_TO_CLIMB
    ? { ...ladder, good }
    : { ...ladder, at: ladder.at - 1, good: 0 };
}

export function rungWords({ computeType, batchSize }: Rung): string {
  return `${computeType} with batch ${batchSize}`;
}

function batchesFrom(first: number): readonly number[] {
  const batches = [first];
  for (let next = first; next > 1; ) {
    next = Math.ceil(next / STEP);
    batches.push(next);
  }
  return batches;
}

function int8Of(computeType: string): string | null {
  switch (computeType) {
    case 'float16':
      return 'int8_float16';
    case 'bfloat16':
      return 'int8_bfloat16';
    case 'float32':
      return 'int8_float32';
    default:
      return null;
  }
}
