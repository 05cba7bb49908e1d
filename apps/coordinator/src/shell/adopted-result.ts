import { ADOPTER, adopterSession } from '@podctl/domain/adoption/adopter.ts';
import { nextRun } from '@podctl/domain/episode-move.ts';
import type { Epoch } from '@podctl/domain/ids.ts';
import { type LockName, readAttempt, type SettleDeps } from './settle.ts';

/**
 * Accepts files that lie complete in staging and were put there by no agent: one CAS at the revision that is their token,
 * so whatever happened to the episode since wins. Gives why they are not accepted, else null; asked again, they are.
 */
export async function adoptResult(
  deps: SettleDeps & { readonly epoch: Epoch },
  name: LockName,
): Promise<string | null> {
  const { feed, episode, stage, token } = name;
  const { store, library, clock, epoch } = deps;
  const { record, revision } = await store.readEpisode(feed, episode);
  if (record === null) return 'the episode is not known';
  const { lock, done } = record.stages[stage];
  if (done?.token === token || (lock.state === 'committed' && lock.token === token)) return null;
  if (revision !== token) return 'something happened to the episode meanwhile';
  const cluster = store.cluster();
  const run = nextRun(record.stages[stage]);
  const complete = await readAttempt(library, cluster, name, { run }, 'adopter');
  if (!complete.ok) return complete.error;
  const outcome = await store.moveAt({ feed, episode, revision, state: record }, stage, {
    kind: 'adopt',
    holder: {
      ...{ cluster, token, epoch, nowMs: clock.wallMs() },
      ...{ agent: ADOPTER, session: adopterSession(token) },
    },
    manifest: complete.value,
  });
  return outcome.kind === 'moved' ? null : outcome.reason;
}
