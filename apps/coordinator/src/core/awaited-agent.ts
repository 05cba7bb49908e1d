import { isClosed } from '@podctl/domain/cordon.ts';
import type { SessionRow, Snapshot } from './snapshot.ts';

/** Of an agent that never said hello. */
export const NO_SESSION = 0;

/** Whom people keep from work before they ever said hello, as rows without a session. */
export function awaitedAgents({ sessions, cordons }: Snapshot): SessionRow[] {
  const unknown = { boot: '', host: '', version: '', engine: '', session: NO_SESSION };
  return [...cordons.values()]
    .filter(({ record }) => isClosed(record) && !sessions.has(record.agent))
    .map(({ record: { cluster, nonce, agent, sinceMs }, revision }) => {
      const slots = { download: 0, transcribe: 0 };
      const record = { ...unknown, cluster, nonce, agent, slots, sinceMs, state: 'gone' } as const;
      return { record, revision, session: NO_SESSION };
    });
}
