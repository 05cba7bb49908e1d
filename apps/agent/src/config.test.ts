import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAgentConfig } from './config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('what the agent is told', () => {
  test('has a user for NATS, or none', async () => {
    const alone = await told({ agentId: 'gpu-1', natsUser: null, natsPassword: null });
    expect(await loadAgentConfig(alone)).toMatchObject({
      agent: 'gpu-1',
      natsAuth: { kind: 'none' },
    });
    const known = await told({ agentId: 'gpu-1', natsUser: 'u', natsPassword: 'p' });
    expect((await loadAgentConfig(known)).natsAuth).toEqual({
      kind: 'password',
      user: 'u',
      password: 'p',
    });
  });

  test('is refused with a sentence when its id cannot be one', async () => {
    const env = await told({ agentId: '../x', natsUser: null, natsPassword: null });
    await expect(loadAgentConfig(env)).rejects.toThrow('agent.id: agent id "../x" is not');
  });
});

async function told(bootstrap: object): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, 'bootstrap.json');
  await writeFile(path, JSON.stringify(bootstrap));
  return { PODCTL_AGENT_BOOTSTRAP: path };
}
