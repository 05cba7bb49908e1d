import type { LockView } from '../../views/lock-map.ts';
import type { WatchPicture } from '../../watch/watch-picture.ts';
import { ageWords } from '../words.ts';
import { left, right, type ViewTable } from './view-table.ts';

export const lockTable: ViewTable<LockView> = {
  source: ({ locks }) => [locks],
  rows: ({ locks }) => locks.items,
  id: ({ feedId, episodeId, stage }) => `${feedId} ${episodeId} ${stage}`,
  words: ({ feedId, episodeId, stage, agentId, token }) =>
    `${feedId} ${episodeId} ${stage} ${agentId} ${token}`,
  hasProblem: ({ stale }) => stale,
  sorts: [
    {
      name: 'age',
      by: ({ heldSince }) => -Date.parse(heldSince ?? '1970-01-01'),
      descending: true,
    },
    { name: 'feed', by: ({ feedId }) => feedId, descending: false },
    { name: 'agent', by: ({ agentId }) => agentId, descending: false },
  ],
  columns: [
    left('FEED', 12, 0, ({ feedId }) => feedId, { widthMax: 40 }),
    left('EPISODE', 8, 0, ({ episodeId }) => episodeId.slice(0, 8), { below: 140 }),
    left('EPISODE', 26, 140, ({ episodeId }) => episodeId),
    left('STAGE', 10, 80, ({ stage }) => stage),
    left('AGENT', 10, 60, ({ agentId }) => agentId, { widthMax: 32 }),
    right('TOKEN', 14, 100, ({ token }) => token),
    right('AGE', 6, 0, ({ heldSince }, nowMs) => ageWords(heldSince, nowMs)),
    right('MOVED', 6, 60, ({ lastProgressAt }, nowMs) => ageWords(lastProgressAt, nowMs)),
    left('STATE', 11, 0, stateWords, { tone: ({ stale }) => (stale ? 'bad' : undefined) }),
  ],
  empty,
  detail: (lock, _, nowMs) => [
    `lock of ${lock.stage} of ${lock.episodeId}`,
    '',
    `feed          ${lock.feedId}`,
    `agent         ${lock.agentId}, session ${lock.session}`,
    `state         ${stateWords(lock)}, held for ${ageWords(lock.heldSince, nowMs)}`,
    `moved         ${ageWords(lock.lastProgressAt, nowMs)} ago`,
    `token         ${lock.token}, given in epoch ${lock.epoch}`,
    '',
    `"podctl lock release ${lock.episodeId} ${lock.stage}" takes it away`,
  ],
};

function stateWords({ state, stale }: LockView): string {
  return stale ? `${state}, STALE` : state;
}

function empty({ locks }: WatchPicture): string {
  if (locks.problem !== '') return `the locks cannot be read: ${locks.problem}`;
  return locks.readAtMs === null ? 'the locks are being read' : 'no lock is held';
}
