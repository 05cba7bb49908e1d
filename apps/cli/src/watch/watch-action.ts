/** What a key may change in the fleet, after a y. */
export type ActionKind =
  | 'pause_feed'
  | 'resume_feed'
  | 'retry_failed'
  | 'cordon_agent'
  | 'uncordon_agent'
  | 'drain_agent';

export interface WatchAction {
  readonly kind: ActionKind;
  /** Of the feed or the agent. */
  readonly id: string;
}

/**
 * How each is carried out: gives a sentence that says what changed, or rejects with one that says why not. What a
 * coordinator cannot do is absent, and its key says so.
 */
export type WatchActions = {
  readonly [K in ActionKind]?: (id: string) => Promise<string>;
};
