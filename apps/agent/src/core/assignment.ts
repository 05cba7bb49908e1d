import type { ClusterId, Nonce, SessionId } from '@podctl/domain/ids.ts';
import type { JobToken, Work } from '@podctl/domain/protocol.ts';

/** A start that was believed. */
export interface Assignment {
  readonly cluster: ClusterId;
  readonly session: SessionId;
  readonly job: JobToken;
  readonly work: Work;
  /** Opens the job's bytes at a coordinator while the lock is held. */
  readonly ticket: Nonce;
}
