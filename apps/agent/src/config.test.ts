import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadAgentConfig } from './config.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'podctl-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('what the agent is told', () => {
  test('is completed with what it knows of itself', async () => {
    const env = await told({ agentId: 'gpu-1' });
    expect(await loadAgentConfig(env)).toMatchObject({ agent: 'gpu-1', host: hostname() });
  });

  test('is refused with a sentence when its id cannot be one', async () => {
    const env = await told({ agentId: '../x' });
    await expect(loadAgentConfig(env)).rejects.toThrow('agent.id: agent id "../x" is not');
  });
});

async function told(bootstrap: object): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, 'bootstrap.json');
  await writeFile(path, JSON.stringify(bootstrap));
  return { PODCTL_AGENT_BOOTSTRAP: path };
}
