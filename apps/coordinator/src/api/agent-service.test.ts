import { status } from '@grpc/grpc-js';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { AgentState } from '@podctl/proto/podctl/v1/agent.ts';
import { Stage } from '@podctl/proto/podctl/v1/episode.ts';
import { afterEach, describe, expect, test } from 'vitest';
import { all, apiBundle, ask, cleanUp } from '../../../../test/support/api-bundle.ts';
import { held } from '../../../../test/support/stage-change.ts';

const alpha = 'alpha' as FeedId;
const gpu = 'gpu-1' as AgentId;

afterEach(cleanUp);

describe('ListAgents and ListLocks', () => {
  test('show who is there, what each holds, and which locks are stale', async () => {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const session = api.fleet.agent(gpu);
    api.fleet.agent('old' as AgentId, { state: 'lost', session: 3 });
    api.fleet.reports.set(gpu, { session, engine: 'whisper base', problem: 'its disk is full' });
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session, token: 8 }));
    const { agents } = await ask(api.agents.listAgents.bind(api.agents), all);
    api.fleet.reports.set(gpu, { session, engine: '', problem: null, draining: true });
    const draining = await ask(api.agents.listAgents.bind(api.agents), all);
    expect(draining.agents[0]).toMatchObject({ state: AgentState.DRAINING, problem: '' });
    expect(agents).toMatchObject([
      {
        agentId: 'gpu-1',
        state: AgentState.LIVE,
        session: BigInt(session),
        engine: 'whisper base',
        problem: 'its disk is full',
        downloadSlots: 4,
        jobs: [{ episodeId: id, stage: Stage.DOWNLOAD, token: 8n }],
      },
      { agentId: 'old', state: AgentState.LOST, session: 0n, jobs: [] },
    ]);
    const { locks } = await ask(api.locks.listLocks.bind(api.locks), all);
    expect(locks).toMatchObject([
      { episodeId: id, token: 8n, agentId: 'gpu-1', epoch: 41n, committed: false, stale: true },
    ]);
  });

  test('page in order of their keys', async () => {
    const api = await apiBundle();
    const names = ['a', 'a-b', 'ab'];
    for (const name of names) {
      api.fleet.agent(name as AgentId);
      api.fleet.feed(name as FeedId);
      api.fleet.episode(name as FeedId, 1, held('download', { agent: gpu, session: 1 }));
    }
    const agents: string[] = [];
    const locks: string[] = [];
    let agentToken = '';
    let lockToken = '';
    for (const _ of names) {
      const a = await ask(api.agents.listAgents.bind(api.agents), {
        pageSize: 1,
        pageToken: agentToken,
      });
      const l = await ask(api.locks.listLocks.bind(api.locks), {
        pageSize: 1,
        pageToken: lockToken,
      });
      agents.push(...a.agents.map(({ agentId }) => agentId));
      locks.push(...l.locks.map(({ feedId }) => feedId));
      agentToken = a.nextPageToken;
      lockToken = l.nextPageToken;
    }
    expect([agents, locks, agentToken, lockToken]).toEqual([names, names, '', '']);
  });
});

describe('GetAgent', () => {
  const card = {
    ...{ index: 0, uuid: 'GPU-1', product: 'Tesla T4', driver: '570.1', backend: 'cuda' },
    ...{ memorySizeBytes: 16e9, memoryUsedBytes: 0.5, utilizationRatio: 0 },
    ...{ temperatureCelsius: null, powerWatts: null },
  };

  test('gives one agent with its GPUs, and a figure that is not told as absent', async () => {
    const api = await apiBundle();
    const session = api.fleet.agent(gpu);
    const report = { session, engine: 'e', problem: null, gpus: [card], gpuProblem: null };
    api.fleet.reports.set(gpu, report);
    const { agent } = await ask(api.agents.getAgent.bind(api.agents), { agentId: 'gpu-1' });
    expect(agent).toMatchObject({
      agentId: 'gpu-1',
      gpuProblem: '',
      gpus: [
        {
          product: 'Tesla T4',
          memorySizeBytes: 16_000_000_000n,
          memoryUsedBytes: 1n,
          utilizationRatio: 0,
          temperatureCelsius: undefined,
          powerWatts: undefined,
        },
      ],
    });
    const { agents } = await ask(api.agents.listAgents.bind(api.agents), all);
    expect(agents).toEqual([agent]);
  });

  test('tells why GPUs cannot be used, and nothing of those of an agent that is lost', async () => {
    const api = await apiBundle();
    const session = api.fleet.agent(gpu);
    const report = { session, engine: 'e', problem: null, gpus: [], gpuProblem: 'no driver' };
    api.fleet.reports.set(gpu, report);
    const shown = () => ask(api.agents.getAgent.bind(api.agents), { agentId: 'gpu-1' });
    expect((await shown()).agent).toMatchObject({ gpus: [], gpuProblem: 'no driver' });
    api.fleet.reports.set(gpu, { ...report, gpus: [card] });
    api.fleet.agent(gpu, { state: 'lost', session });
    expect((await shown()).agent).toMatchObject({ gpus: [], gpuProblem: '' });
  });

  test('of a name that nobody has is not found, and the name is not said back', async () => {
    const api = await apiBundle();
    api.fleet.agent(gpu);
    for (const agentId of ['', 'xyz', '\u001b[31m'])
      await expect(ask(api.agents.getAgent.bind(api.agents), { agentId })).rejects.toMatchObject({
        code: status.NOT_FOUND,
        details: 'no agent has that name: "podctl agent list" shows them',
      });
  });
});

describe('ReleaseLock', () => {
  async function withHeld() {
    const api = await apiBundle();
    api.fleet.feed(alpha);
    const id = api.fleet.episode(alpha, 1, held('download', { agent: gpu, session: 3, token: 8 }));
    const release = (fields: { episodeId?: string; stage?: Stage; token?: bigint }) =>
      ask(api.locks.releaseLock.bind(api.locks), {
        ...{ episodeId: id, stage: Stage.DOWNLOAD, token: 0n },
        ...fields,
      });
    return { ...api, id, release };
  }

  test('asks for exactly the lock that is held now, by a part of the id', async () => {
    const { id, release, fleet } = await withHeld();
    expect(await release({ episodeId: id.slice(0, 8) })).toEqual({
      token: 8n,
      agentId: 'gpu-1',
      revision: 1n,
    });
    expect(fleet.released).toEqual([{ feed: alpha, episode: id, stage: 'download', token: 8 }]);
  });

  test('asks for nothing when another token holds it, nobody does, or no stage is named', async () => {
    const { release, fleet } = await withHeld();
    await expect(release({ token: 7n })).rejects.toMatchObject({ code: status.NOT_FOUND });
    await expect(release({ stage: Stage.TRANSCRIBE })).rejects.toMatchObject({
      code: status.NOT_FOUND,
    });
    await expect(release({ stage: Stage.UNSPECIFIED })).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    expect(fleet.released).toEqual([]);
  });

  test('is refused as a failed precondition once the result is accepted', async () => {
    const { release, fleet } = await withHeld();
    fleet.releaseAnswer = { kind: 'committed' };
    await expect(release({})).rejects.toMatchObject({
      code: status.FAILED_PRECONDITION,
      details: expect.stringContaining('accepted'),
    });
  });
});
