import { status } from '@grpc/grpc-js';
import type { CredentialRecord } from '@podctl/domain/access.ts';
import type { AgentId, FeedId } from '@podctl/domain/ids.ts';
import { AgentState, CordonKind } from '@podctl/proto/podctl/v1/agent.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  type ApiBundle,
  all,
  apiBundle,
  ask,
  cleanUp,
  failure,
} from '../../../../test/support/api-bundle.ts';
import { MemoryAccess } from '../../../../test/support/memory-access.ts';
import { done, held } from '../../../../test/support/stage-change.ts';
import { CordonCalls } from './cordon-calls.ts';

const gpu = 'gpu-1' as AgentId;
let api: ApiBundle;
beforeEach(async () => {
  api = await apiBundle();
});
afterEach(cleanUp);

const cordon = (agentId: string, reason = '') =>
  ask(api.agents.cordonAgent.bind(api.agents), { agentId, reason });
const uncordon = (agentId: string) => ask(api.agents.uncordonAgent.bind(api.agents), { agentId });
const drain = (agentId: string, seconds: bigint | null, reason = '') =>
  ask(api.agents.drainAgent.bind(api.agents), {
    ...{ agentId, reason },
    deadline: seconds === null ? undefined : { seconds, nanos: 0 },
  });
const show = async (agentId: string) =>
  (await ask(api.agents.getAgent.bind(api.agents), { agentId })).agent;

function credential(agent: string): CredentialRecord {
  return {
    ...{ agent: agent as AgentId, natsKey: 'U', tlsKeySha256: '', tokenId: '' },
    ...{ issuedMs: 1, expiresMs: 2, revokedMs: null, formerKeys: [] },
  };
}

describe('an agent', () => {
  test('is cordoned, shown so with the reason, and uncordoned, each once', async () => {
    api.fleet.agent(gpu);
    const changed = await cordon('gpu-1', ' new disk ');
    expect(changed).toMatchObject({
      ...{ changed: true, jobs: [] },
      cordon: { kind: CordonKind.CORDONED, reason: 'new disk', by: '' },
    });
    expect(await cordon('gpu-1')).toMatchObject({ changed: false });
    expect(await show('gpu-1')).toMatchObject({
      ...{ state: AgentState.CORDONED, cordon: { reason: 'new disk' } },
    });
    expect(await uncordon('gpu-1')).toEqual({ changed: true });
    expect(await uncordon('gpu-1')).toEqual({ changed: false });
    expect(await show('gpu-1')).toMatchObject({ state: AgentState.LIVE, cordon: undefined });
  });

  test('drains with a deadline and what it holds, which tells how long its audio is', async () => {
    const session = api.fleet.agent(gpu);
    const hold = held('transcribe', { agent: gpu, session });
    api.fleet.episode('alpha' as FeedId, 1, (state) => hold(done('download', 90)(state)));
    const before = Date.now();
    const drained = await drain('gpu-1', 1_800n);
    const left = (drained.cordon?.deadline?.getTime() ?? 0) - before;
    expect(left).toBeGreaterThanOrEqual(1_800_000);
    expect(left).toBeLessThan(1_860_000);
    expect(drained).toMatchObject({
      ...{ changed: true, cordon: { kind: CordonKind.DRAINING } },
      jobs: [{ feedId: 'alpha', audioSeconds: 90 }],
    });
    expect((await show('gpu-1'))?.state).toBe(AgentState.DRAINING);
    const again = await drain('gpu-1', null);
    expect(again).toMatchObject({ changed: false, cordon: drained.cordon });
  });

  test('that nobody knows is not found, and its name stands in no answer', async () => {
    for (const name of ['nobody', 'Not A Name', '']) {
      for (const call of [cordon(name), uncordon(name), drain(name, null)]) {
        const error = await failure(call);
        expect(error.code).toBe(status.NOT_FOUND);
        if (name !== '') expect(error.details).not.toContain(name);
      }
    }
    expect(api.fleet.snapshot.cordons.size).toBe(0);
  });

  test('may be away, or let in and not come yet; one that was put out is nobody', async () => {
    api.fleet.agent('lost' as AgentId, { state: 'lost', session: 1 });
    expect(await cordon('lost')).toMatchObject({ changed: true });
    const access = new MemoryAccess();
    const calls = new CordonCalls(api.fleet, access);
    access.letIn(credential('later'));
    const request = { agentId: 'later', reason: '' };
    expect(await calls.cordon(request, 'ada')).toMatchObject({ value: { cordon: { by: 'ada' } } });
    const { agents } = await ask(api.agents.listAgents.bind(api.agents), all);
    expect(agents).toMatchObject([
      { agentId: 'later', state: AgentState.CORDONED, session: 0n, host: '' },
      { agentId: 'lost', state: AgentState.LOST },
    ]);
    access.letIn({ ...credential('out'), revokedMs: 5 });
    expect(await calls.cordon({ ...request, agentId: 'out' }, 'ada')).toMatchObject({ ok: false });
  });

  test('is not touched by what is out of bounds', async () => {
    api.fleet.agent(gpu);
    const broken = [
      drain('gpu-1', -1n),
      drain('gpu-1', 7n * 86_400n + 1n),
      cordon('gpu-1', 'x'.repeat(201)),
      cordon('gpu-1', 'two\nlines'),
    ];
    for (const call of broken) expect((await failure(call)).code).toBe(status.INVALID_ARGUMENT);
    expect(api.fleet.snapshot.cordons.size).toBe(0);
  });
});
