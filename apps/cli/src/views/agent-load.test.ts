import { Agent, AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { expect, test } from 'vitest';
import { agentLoad } from './agent-load.ts';
import { agentView } from './agent-map.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const ago = (seconds: number) => new Date(NOW_MS - seconds * 1_000);
const load = (fields: Parameters<typeof Agent.fromPartial>[0]) =>
  agentLoad(agentView(Agent.fromPartial({ agentId: 'gpu-1', ...fields })), NOW_MS);
const job = (audioSeconds: number | undefined, progressRatio: number, seconds: number) => ({
  ...{ stage: Stage.TRANSCRIBE, audioSeconds, progressRatio, assignedAt: ago(seconds) },
});

test('slots, GPUs and speed of an agent are summed over what it runs now', () => {
  const download = { stage: Stage.DOWNLOAD, progressRatio: 0.5, assignedAt: ago(100) };
  const gpu = { memoryUsedBytes: 5n, memorySizeBytes: 10n };
  const found = load({
    ...{ state: AgentState.CORDONED, downloadSlots: 4, transcribeSlots: 3 },
    jobs: [job(3_600, 0.5, 60), job(1_000, 0.1, 10), job(undefined, 0.5, 60), download],
    gpus: [
      { ...gpu, utilizationRatio: 0.9 },
      { ...gpu, utilizationRatio: 0.5 },
    ],
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
  const gpus = [{ memorySizeBytes: 10n }, {}];
  const jobs = [job(100, 0, 60), job(100, 0.5, 1)];
  expect(load({ state: AgentState.LIVE, gpus, jobs })).toMatchObject(none);
});

test('an agent that is not there has no load', () => {
  for (const state of [AgentState.LOST, AgentState.GONE]) expect(load({ state })).toBeNull();
});
