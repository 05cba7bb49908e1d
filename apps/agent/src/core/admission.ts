import { type Slots, slotsOf } from '@podctl/domain/session.ts';
import type { Stage } from '@podctl/domain/stage.ts';

/** What holds places at a stage. Jobs that were told to stop hold theirs until they have stopped. */
export interface Load {
  readonly running: number;
  readonly waiting: number;
}

/**
 * begin:  a slot is free
 * wait:   none is free: it begins when one comes free (the leader's count ran ahead of ours by a moment)
 * refuse: too many wait already: the leader sends it again, since the heartbeat does not list it
 */
export type Admission = 'begin' | 'wait' | 'refuse';

/** The leader counts the slots; this is only the second guard. As many may wait as may run. */
export function admit(stage: Stage, slots: Slots, load: Load): Admission {
  const limit = slotsOf(slots, stage);
  if (load.running < limit && load.waiting === 0) return 'begin';
  return load.waiting < limit ? 'wait' : 'refuse';
}

/** How many of those that wait may begin now. */
export function mayBegin(stage: Stage, slots: Slots, load: Load): number {
  return Math.max(0, Math.min(load.waiting, slotsOf(slots, stage) - load.running));
}
