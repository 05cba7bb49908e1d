import type { EpisodeFacts } from './protocol.ts';

/** What is known of an episode beside its state; not tailed, read when asked. */
export interface EpisodeMeta extends EpisodeFacts {
  /** The first key seen: GUID, else the enclosure's URL without tracking. */
  readonly key: string;
  /** With its secrets; never shown, and never the identity. */
  readonly url: string;
  readonly durationSecondsEstimate: number | null;
}
