import { backoffMs } from '@podctl/domain/retry.ts';
import type { ByteAnswer } from './byte-answer.ts';

/** How one transfer has fared so far. */
export interface TransferPace {
  /** Since the last byte that got farther than any before. */
  readonly tries: number;
  readonly damaged: number;
  readonly farthestBytes: number;
  readonly movedAtMs: number;
}

export interface PaceLimits {
  /** No byte could be moved for so long, by any coordinator: the job is given back. */
  readonly stuckMs: number;
  readonly backoffFirstMs: number;
  readonly backoffMaxMs: number;
}

/** How it ended. Everything but `done` means that no asking again helps. */
export type MoveEnd = 'done' | 'gone' | 'damaged' | 'changed' | 'missing' | 'refused' | 'stuck';

export type PaceStep =
  | { readonly kind: 'end'; readonly end: MoveEnd }
  | {
      readonly kind: 'on';
      readonly pace: TransferPace;
      readonly waitMs: number;
      readonly turn: boolean;
    };

const DAMAGED_MAX = 3;
/** Answers that move nothing, before waits are made between them. */
const HURRIED_MAX = 10;
/** A long piece that broke off has moved much: only the next questions tell. */
const STUCK_TRIES_MIN = 3;

export function freshPace(nowMs: number): TransferPace {
  return { tries: 0, damaged: 0, farthestBytes: 0, movedAtMs: nowMs };
}

/** Pure. What follows from an answer: the end, or another step after a wait; `turn`: at the next coordinator. */
export function nextStep(
  pace: TransferPace,
  answer: ByteAnswer,
  limits: PaceLimits,
  nowMs: number,
  random: number,
): PaceStep {
  switch (answer.kind) {
    case 'ok':
      return { kind: 'end', end: 'done' };
    case 'offset':
      return afterOffset(pace, answer.offsetBytes, limits, nowMs);
    case 'damaged': {
      const damaged = pace.damaged + 1;
      if (damaged >= DAMAGED_MAX) return { kind: 'end', end: 'damaged' };
      return { kind: 'on', pace: { ...pace, damaged, farthestBytes: 0 }, waitMs: 0, turn: false };
    }
    case 'again': {
      const tries = pace.tries + 1;
      if (tries > STUCK_TRIES_MIN && nowMs - pace.movedAtMs > limits.stuckMs)
        return { kind: 'end', end: 'stuck' };
      const waitMs = answer.afterMs ?? backoffMs(tries, limits, random);
      return { kind: 'on', pace: { ...pace, tries }, waitMs, turn: true };
    }
    case 'gone':
    case 'changed':
    case 'missing':
    case 'refused':
      return { kind: 'end', end: answer.kind };
  }
}

function afterOffset(
  pace: TransferPace,
  offsetBytes: number,
  limits: PaceLimits,
  nowMs: number,
): PaceStep {
  if (offsetBytes > pace.farthestBytes)
    return {
      kind: 'on',
      pace: { ...pace, tries: 0, farthestBytes: offsetBytes, movedAtMs: nowMs },
      waitMs: 0,
      turn: false,
    };
  const tries = pace.tries + 1;
  // Two writers that cannot agree on where it ends.
  const waitMs = tries > HURRIED_MAX ? limits.backoffMaxMs : 0;
  return { kind: 'on', pace: { ...pace, tries }, waitMs, turn: false };
}
