import type { ScreenState } from '../../watch/screen-state.ts';

/** What the keys do; those that cannot do anything here are left out. */
export function helpLines({ readOnly, actions }: ScreenState): readonly string[] {
  const can = (...kinds: Parameters<typeof actions.has>[0][]) =>
    !readOnly && kinds.some((kind) => actions.has(kind));
  return [
    'up down j k   move              PgUp PgDn g G   by pages, to the ends',
    'Enter         detail            Esc             back, end of the filter',
    '/             filter            !               problems only',
    's             sort by the next  r               reverse',
    '1 feeds       2 agents          3 jobs          4 events       5 locks',
    'l             log of the job    f               freeze',
    '?             this help',
    'Ctrl-L        draw anew         q               quit',
    ...(can('pause_feed', 'resume_feed') ? ['p             pause or resume the feed'] : []),
    ...(can('retry_failed') ? ["R             retry the feed's failed episodes"] : []),
    ...(can('cordon_agent', 'uncordon_agent')
      ? ['c             cordon or uncordon the agent']
      : []),
    ...(can('drain_agent') ? ['d             drain the agent'] : []),
    '',
    'WRK is downloads+transcriptions that run. xRT is audio over time, a mean of 15',
    'minutes; ETA what is left at that speed: both are - below three samples.',
  ];
}
