import type { EventView } from '../../views/fleet-map.ts';
import type { Tone } from './line.ts';
import { left, type ViewTable } from './view-table.ts';

const tones: { readonly [type: string]: Tone } = {
  'job-dead': 'bad',
  'agent-lost': 'bad',
  'result-fenced': 'bad',
  'job-retry': 'warn',
  'feed-failed': 'warn',
};

export const eventTable: ViewTable<EventView> = {
  source: ({ state }) => [state.events],
  rows: ({ state }) => state.events,
  id: ({ at, sequence }) => `${at} ${sequence}`,
  words: ({ type, feedId, title, stage, agentId, message }) =>
    `${type} ${feedId} ${title} ${stage} ${agentId} ${message}`,
  hasProblem: ({ type }) => tones[type] !== undefined,
  sorts: [
    // Of one coordinator's life the sequence tells more exactly than the time.
    {
      name: 'time',
      by: ({ at, sequence }) => `${at} ${sequence.padStart(20, '0')}`,
      descending: true,
    },
    { name: 'type', by: ({ type }) => type, descending: false },
    { name: 'feed', by: ({ feedId }) => feedId, descending: false },
    { name: 'agent', by: ({ agentId }) => agentId, descending: false },
  ],
  columns: [
    left('TIME', 9, 0, ({ at }) => (at === null ? '--:--:--Z' : `${at.slice(11, 19)}Z`)),
    left('TYPE', 13, 0, ({ type }) => type, { tone: ({ type }) => tones[type] }),
    left('FEED', 14, 0, ({ feedId }) => feedId, { widthMax: 28 }),
    left('EPISODE', 16, 100, ({ title, episodeId }) => title || episodeId, { widthMax: 32 }),
    left('STAGE', 10, 140, ({ stage }) => stage),
    left('AGENT', 10, 80, ({ agentId }) => agentId, { widthMax: 16 }),
    left('MESSAGE', 20, 0, ({ message }) => message, { widthMax: 120 }),
  ],
  empty: () => 'nothing happened yet',
  detail: (event) => [
    `${event.type} at ${event.at ?? '-'}`,
    '',
    `feed          ${event.feedId || '-'}`,
    `episode       ${event.episodeId || '-'}${event.title === '' ? '' : ` "${event.title}"`}`,
    `stage         ${event.stage || '-'}`,
    `agent         ${event.agentId || '-'}`,
    '',
    event.message,
  ],
};
