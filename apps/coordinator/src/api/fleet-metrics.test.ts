import { NO_CHOICES } from '@podctl/domain/feed-choices.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import type { Library } from '@podctl/platform/library.ts';
import { ManualClock } from '@podctl/platform/twin/manual-clock.ts';
import { expect, test } from 'vitest';
import { HandBuiltFleet } from '../../../../test/support/hand-built-fleet.ts';
import { dead, done, failed, held } from '../../../../test/support/stage-change.ts';
import { fleetMetrics } from './fleet-metrics.ts';

const alpha = 'alpha' as FeedId;
const gpu = 'gpu-1' as AgentId;

const card = {
  ...{ index: 0, uuid: 'GPU-1', product: 'Tesla T4', driver: '570.1', backend: 'cuda' },
  ...{ memorySizeBytes: 16e9, memoryUsedBytes: null, utilizationRatio: 0.5 },
  ...{ temperatureCelsius: 40, powerWatts: null },
};

function world() {
  const clock = new ManualClock();
  const fleet = new HandBuiltFleet(clock, {} as Library);
  /** The samples as lines, without the help. */
  const lines = () =>
    fleetMetrics(fleet.picture(), fleet.info(), 2).flatMap(({ name, samples }) =>
      samples.map(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([key, text]) => `${key}=${text}`);
        return `${name}{${pairs.join(',')}} ${value}`;
      }),
    );
  return { clock, fleet, lines };
}

test('the figures of feeds, episodes, jobs and audio add up to what was folded', () => {
  const { fleet, lines } = world();
  fleet.feed(alpha);
  fleet.feed('bad' as FeedId, { failures: 3 });
  fleet.episode(alpha, 1, done('download', 90));
  fleet.episode(alpha, 1, done('transcribe'));
  fleet.episode(alpha, 2, done('download', 30));
  fleet.episode(alpha, 3, held('download', { agent: gpu, session: 1 }));
  fleet.episode(alpha, 4, failed('download', 'HTTP 500', 0));
  fleet.episode(alpha, 5, dead('download', 'HTTP 404'));
  expect(lines()).toEqual(
    expect.arrayContaining([
      'podctl_feeds{state=active} 1',
      'podctl_feeds{state=failing} 1',
      'podctl_feeds{state=done} 0',
      'podctl_feeds_stalled{} 0',
      'podctl_feeds_failing{} 1',
      'podctl_episodes{state=known} 5',
      'podctl_episodes{state=downloaded} 2',
      'podctl_episodes{state=transcribed} 1',
      'podctl_episodes{state=retrying} 1',
      'podctl_episodes{state=dead} 1',
      'podctl_jobs{stage=download,state=waiting} 1',
      'podctl_jobs{stage=download,state=running} 1',
      'podctl_jobs{stage=download,state=done} 2',
      'podctl_jobs{stage=download,state=dead} 1',
      'podctl_jobs{stage=transcribe,state=waiting} 3',
      'podctl_jobs{stage=transcribe,state=dead} 0',
      'podctl_audio_remaining_seconds{stage=transcribe} 30',
    ]),
  );
});

test('what waits in a paused feed is no backlog, and neither is what failed there', () => {
  const { fleet, lines } = world();
  fleet.feed(alpha, { choices: { ...NO_CHOICES, paused: true } });
  fleet.feed('beta' as FeedId);
  fleet.episode(alpha, 1);
  fleet.episode(alpha, 2, failed('download', 'HTTP 500', 0));
  fleet.episode(alpha, 3, held('download', { agent: gpu, session: 1 }));
  fleet.episode('beta' as FeedId, 4);
  expect(lines()).toEqual(
    expect.arrayContaining([
      'podctl_episodes{state=retrying} 0',
      'podctl_jobs{stage=download,state=waiting} 1',
      'podctl_jobs{stage=download,state=paused} 2',
      'podctl_jobs{stage=download,state=running} 1',
      'podctl_jobs{stage=transcribe,state=waiting} 1',
      'podctl_jobs{stage=transcribe,state=paused} 3',
    ]),
  );
});

test('an agent shows its state, its heartbeat and its slots, and all of it goes when it says goodbye', async () => {
  const { clock, fleet, lines } = world();
  fleet.feed(alpha);
  const session = fleet.agent(gpu);
  fleet.episode(alpha, 1, held('download', { agent: gpu, session, sinceMs: clock.wallMs() }));
  fleet.liveness.heard(gpu, session, clock.monotonicMs());
  await clock.advance(4_000);
  expect(lines()).toEqual(
    expect.arrayContaining([
      'podctl_agent_info{agent=gpu-1,version=0.1.0} 1',
      'podctl_agent_state{agent=gpu-1,state=live} 1',
      'podctl_agent_state{agent=gpu-1,state=lost} 0',
      `podctl_agent_last_heartbeat_timestamp_seconds{agent=gpu-1} ${Date.UTC(2026, 0, 1) / 1_000}`,
      'podctl_agent_slots{agent=gpu-1,stage=download,state=used} 1',
      'podctl_agent_slots{agent=gpu-1,stage=download,state=free} 3',
      'podctl_agent_slots{agent=gpu-1,stage=transcribe,state=free} 1',
    ]),
  );
  expect(lines().some((line) => line.startsWith('podctl_gpu_'))).toBe(false);
  fleet.reports.set(gpu, { session, engine: 'e', problem: null, gpus: [card] });
  expect(lines().filter((line) => line.startsWith('podctl_gpu_'))).toEqual([
    'podctl_gpu_info{agent=gpu-1,gpu=0,uuid=GPU-1,product=Tesla T4,driver=570.1,backend=cuda} 1',
    'podctl_gpu_utilization_ratio{agent=gpu-1,gpu=0} 0.5',
    'podctl_gpu_memory_size_bytes{agent=gpu-1,gpu=0} 16000000000',
    'podctl_gpu_temperature_celsius{agent=gpu-1,gpu=0} 40',
  ]);
  fleet.agent(gpu, { state: 'lost', session });
  expect(lines().some((line) => line.startsWith('podctl_gpu_'))).toBe(false);
  expect(lines()).toContain('podctl_agent_state{agent=gpu-1,state=lost} 1');
  fleet.agent(gpu, { state: 'gone', session });
  expect(lines().filter((line) => line.includes('gpu-1'))).toEqual([]);
});

test('what people decided about an agent is told, also while it is lost', () => {
  const { fleet, lines } = world();
  const cordon = () => lines().filter((line) => /^podctl_agent_cordon.* 1$/.test(line));
  const session = fleet.agent(gpu);
  expect(cordon()).toEqual(['podctl_agent_cordon{agent=gpu-1,state=open} 1']);
  fleet.cordon(gpu, { kind: 'draining' });
  fleet.agent(gpu, { state: 'lost', session });
  expect(cordon()).toEqual(['podctl_agent_cordon{agent=gpu-1,state=draining} 1']);
});

test('locks, fenced results, leadership, NATS and watchers are told', async () => {
  const { clock, fleet, lines } = world();
  fleet.feed(alpha);
  fleet.episode(alpha, 1, held('transcribe', { agent: gpu, session: 1, sinceMs: clock.wallMs() }));
  const failedWrites = { state: 2, meta: 0, lead: 7 };
  const fenced = { fencedResults: 4, leading: false, natsVersion: '' };
  fleet.information = { ...fleet.information, ...fenced, failedWrites };
  await clock.advance(3_600_001);
  expect(lines()).toEqual(
    expect.arrayContaining([
      'podctl_locks_held{stage=transcribe} 1',
      'podctl_locks_held{stage=download} 0',
      'podctl_locks_stale{} 1',
      'podctl_fenced_results_total{} 4',
      'podctl_leader{} 0',
      'podctl_leader_term{} 41',
      'podctl_watch_subscribers{} 2',
      'podctl_state_write_errors_total{bucket=state} 2',
      'podctl_state_write_errors_total{bucket=lead} 7',
    ]),
  );
});
