import { Agent, AgentState, Gpu, RunningJob } from '@podctl/proto/podctl/v1/agent.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { expect, test } from 'vitest';
import { agentLoad } from './agent-load.ts';
import { agentView } from './agent-map.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const ago = (seconds: number) => new Date(NOW_MS - seconds * 1_000);
const load = (fields: Partial<Agent>) =>
  agentLoad(agentView({ ...Agent.fromPartial({ agentId: 'gpu-1' }), ...fields }), NOW_MS);
const job = (audioSeconds: number | undefined, progressRatio: number, seconds: number) =>
  ({
    ...RunningJob.fromPartial({ stage: Stage.TRANSCRIBE, progressRatio }),
    ...{ audioSeconds, assignedAt: ago(seconds) },
  }) satisfies RunningJob;
const gpu = (fields: Partial<Gpu>): Gpu => ({ ...Gpu.fromPartial({}), ...fields });

test('slots, GPUs and speed of an agent are summed over what it runs now', () => {
  const download = { ...job(undefined, 0.5, 100), stage: Stage.DOWNLOAD };
  const card = { memoryUsedBytes: 5n, memorySizeBytes: 10n };
  const found = load({
    ...{ state: AgentState.CORDONED, downloadSlots: 4, transcribeSlots: 3 },
    jobs: [job(3_600, 0.5, 60), job(1_000, 0.1, 10), job(undefined, 0.5, 60), download],
    gpus: [gpu({ ...card, utilizationRatio: 0.9 }), gpu({ ...card, utilizationRatio: 0.5 })],
  });
  expect(found).toMatchObject({
    ...{ agentId: 'gpu-1', state: 'cordoned', downloadsRunning: 1, transcriptionsRunning: 3 },
    ...{ gpuMemoryUsedBytes: 10, gpuMemorySizeBytes: 20, speedRatio: 40 },
  });
  expect(found?.gpuUtilizationRatio).toBeCloseTo(0.7);
});

test('what cannot be told is null, never 0', () => {
  const none = { gpuUtilizationRatio: null, gpuMemorySizeBytes: null, speedRatio: null };
  expect(load({ state: AgentState.LIVE })).toMatchObject(none);
  const gpus = [gpu({ memorySizeBytes: 10n }), gpu({})];
  const jobs = [job(100, 0, 60), job(100, 0.5, 1)];
  expect(load({ state: AgentState.LIVE, gpus, jobs })).toMatchObject(none);
});

test('an agent that is not there has no load', () => {
  for (const state of [AgentState.LOST, AgentState.GONE]) expect(load({ state })).toBeNull();
});
