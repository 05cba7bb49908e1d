import type { AgentId, EpisodeId, FeedId } from '@podctl/domain/ids.ts';
import { expect, test } from 'vitest';
import type { EventType, FleetEvent } from '../core/event.ts';
import { coordinatorMetrics } from './metrics.ts';

function event(type: EventType, message: string): FleetEvent {
  const of = { feed: 'alpha' as FeedId, episode: 'e' as EpisodeId, agent: 'a' as AgentId };
  return { type, ...of, stage: 'download', message };
}

test('attempts are counted by how they ended; words count for nothing, and a skip is no attempt', async () => {
  const metrics = coordinatorMetrics('1');
  metrics.happened([
    event('job_canceled', 'ann has no use for it'),
    event('job_dead', 'canceled by the peer'),
    event('episode_skipped', 'skipped by ann'),
  ]);
  const { text } = await metrics.page.render();
  metrics.page.close();
  const counted = text.match(/^podctl_jobs_finished_total.* [1-9].*$/gm);
  expect(counted).toEqual([
    'podctl_jobs_finished_total{stage="download",result="dead"} 1',
    'podctl_jobs_finished_total{stage="download",result="canceled"} 1',
  ]);
});

test('a planned job that was not written is told from one that lost to another writer', async () => {
  const metrics = coordinatorMetrics('1');
  metrics.planned(0.1, 5, { conflict: 1, closed: 2 });
  const { text } = await metrics.page.render();
  metrics.page.close();
  expect(text.match(/^podctl_plan_entries_rejected_total.*$/gm)).toEqual([
    'podctl_plan_entries_rejected_total{reason="conflict"} 1',
    'podctl_plan_entries_rejected_total{reason="closed"} 2',
  ]);
});
