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

/** For each slot: more for the moment in which the counts differ. */
const WAITING_PER_SLOT_MAX = 1;
/** Transcriptions are held ahead as well (`agent.prefetch`). */
const TRANSCRIPTIONS_PER_SLOT_MAX = 5;

/** The leader counts the slots; this is only the second guard. */
export function admit(stage: Stage, slots: Slots, load: Load): Admission {
  const limit = slotsOf(slots, stage);
  if (load.running < limit && load.waiting === 0) return 'begin';
  const perSlot = stage === 'transcribe' ? TRANSCRIPTIONS_PER_SLOT_MAX : WAITING_PER_SLOT_MAX;
  return load.waiting < limit * perSlot ? 'wait' : 'refuse';
}

/** How many of those that wait may begin now. */
export function mayBegin(stage: Stage, slots: Slots, load: Load): number {
  return Math.max(0, Math.min(load.waiting, slotsOf(slots, stage) - load.running));
}
